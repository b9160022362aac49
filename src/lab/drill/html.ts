import { verdictOf } from '../checker/index.ts'
import { type History, isWrite } from '../history.ts'
import { figureLines, signed, verdictText } from './text.ts'
import type { Moment } from './timeline.ts'
import type { DrillResult } from './types.ts'

/** A drill as one page without anything from elsewhere. Pure. */
export function reportHtml(result: DrillResult, version: string): string {
  const { plan, figures, guarantees, timeline, notes, seed, faultAt, ok, history } = result
  const rows = (cells: readonly (readonly string[])[], tag = 'td') =>
    cells
      .map((row) => `<tr>${row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`)
      .join('\n')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(plan.scenario)} in ${escaped(plan.world)}</title>
<meta name="viewport" content="width=device-width">
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem .9rem .15rem 0; vertical-align: top; }
td:first-child { white-space: nowrap; } .ok { color: #17703c; } .bad { color: #b3261e; } .dim { color: #66788a; }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: #4a5a6a; }
</style></head><body>
<h1>${escaped(plan.scenario)} in ${escaped(plan.world)}</h1>
<p>${escaped(plan.about)}</p>
<p class="${ok ? 'ok' : 'bad'}"><strong>${escaped(verdictText(result))}</strong></p>
<h2>Operations each second</h2>
${chart(history, timeline, faultAt - history.header.epochOffsetMs)}
<h2>What happened</h2>
<table>${rows(timeline.map(({ atMs, what }) => [signed(atMs), what]))}</table>
<h2>Figures</h2>
<table>${rows(figureLines(figures))}</table>
<h2>Promises</h2>
<table><tr><th>promise</th><th>verdict</th><th>checked</th><th>violations</th></tr>
${guarantees
  .map((one) => {
    const verdict = verdictOf(one)
    const kind = verdict === 'held' ? 'ok' : verdict === 'broken' ? 'bad' : 'dim'
    const shown = one.violations
      .slice(0, 5)
      .map(({ what }) => `<br><span class="dim">${escaped(what)}</span>`)
    return `<tr><td>${escaped(one.title)}</td><td class="${kind}">${verdict}</td><td>${one.checkedOps}</td><td>${one.violations.length}${shown.join('')}</td></tr>`
  })
  .join('\n')}
</table>
${notes.map((note) => `<p class="dim">${escaped(note)}</p>`).join('\n')}
<h2>Plan</h2>
<pre>${escaped(JSON.stringify(plan.steps, null, 2))}</pre>
<p class="dim">Nearside ${escaped(version)}, ${new Date(faultAt).toISOString()}, seed ${seed}.</p>
</body></html>
`
}

const width = 900
const height = 220
const left = 36
const bottom = 40

/** Acknowledged and failed operations, second by second, with the moments of the timeline as lines. */
function chart({ ops }: History, timeline: readonly Moment[], t0: number): string {
  if (ops.length === 0) return '<p class="dim">no operations</p>'
  const seconds = ops.map(({ completedMs }) => Math.floor((completedMs - t0) / 1000))
  const first = seconds.reduce((a, b) => Math.min(a, b))
  const last = seconds.reduce((a, b) => Math.max(a, b))
  const count = last - first + 1
  const series = {
    'reads answered': { color: '#9cc3e8', of: (i: number) => !isWrite(ops[i]!) && ops[i]!.outcome === 'ok' },
    'writes acknowledged': {
      color: '#1f6fb4',
      of: (i: number) => isWrite(ops[i]!) && ops[i]!.outcome === 'ok',
    },
    'failed or unknown': { color: '#b3261e', of: (i: number) => ops[i]!.outcome !== 'ok' },
  }
  const sums = Object.fromEntries(
    Object.entries(series).map(([name, { of }]) => {
      const perSecond = new Array<number>(count).fill(0)
      seconds.forEach((second, i) => {
        if (of(i)) perSecond[second - first]! += 1
      })
      return [name, perSecond]
    }),
  )
  const most = Object.values(sums)
    .flat()
    .reduce((a, b) => Math.max(a, b), 1)
  const x = (second: number) => left + ((second - first) / Math.max(1, count - 1)) * (width - left - 8)
  const y = (value: number) => height - bottom - (value / most) * (height - bottom - 12)
  const lines = Object.entries(series).map(
    ([name, { color }]) =>
      `<polyline fill="none" stroke="${color}" stroke-width="1.6" points="${sums[name]!.map((value, i) => `${x(i + first).toFixed(1)},${y(value).toFixed(1)}`).join(' ')}"/>`,
  )
  const marked = timeline.filter(
    ({ kind }) => kind === 'fault' || kind === 'primary' || kind === 'healed' || kind === 'settled',
  )
  const marks = marked.map(
    ({ atMs, kind, what }) =>
      `<line x1="${x(atMs / 1000).toFixed(1)}" x2="${x(atMs / 1000).toFixed(1)}" y1="8" y2="${height - bottom}" stroke="${kind === 'fault' ? '#b3261e' : '#66788a'}" stroke-dasharray="3 3"><title>${escaped(`${signed(atMs)} ${what}`)}</title></line><text x="${(x(atMs / 1000) + 3).toFixed(1)}" y="16">${kind}</text>`,
  )
  const step = Math.max(1, Math.ceil(count / 12 / 5) * 5)
  const ticks = Array.from({ length: count }, (_, i) => first + i)
    .filter((second) => second % step === 0)
    .map(
      (second) =>
        `<text x="${x(second).toFixed(1)}" y="${height - bottom + 14}" text-anchor="middle">${second} s</text>`,
    )
  const legend = Object.entries(series).map(
    ([name, { color }], i) =>
      `<rect x="${left + i * 170}" y="${height - 14}" width="10" height="10" fill="${color}"/><text x="${left + 14 + i * 170}" y="${height - 5}">${name}</text>`,
  )
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="operations each second"><text x="0" y="16">${most}/s</text><line x1="${left}" x2="${width - 8}" y1="${height - bottom}" y2="${height - bottom}" stroke="#c8d2dc"/>${[...lines, ...marks, ...ticks, ...legend].join('\n')}</svg>`
}

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
