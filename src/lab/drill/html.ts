import { type Guarantee, verdictOf } from '../checker/index.ts'
import { escaped } from '../users/report/markup.ts'
import { chart } from './chart.ts'
import { figureLines, signed, verdictText } from './text.ts'
import type { DrillResult } from './types.ts'

/** A drill as a self-contained HTML page. Pure. */
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
td { overflow-wrap: anywhere; } details { margin: .5rem 0; } li { overflow-wrap: anywhere; }
pre { overflow-x: auto; }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: #4a5a6a; }
</style></head><body>
<h1>${escaped(plan.scenario)} in ${escaped(plan.world)}</h1>
<p>${escaped(plan.about)}</p>
<p class="${ok ? 'ok' : 'bad'}"><strong>${escaped(verdictText(result))}</strong></p>
<h2>Operations per second</h2>
${chart(history, timeline, faultAt - history.header.epochOffsetMs)}
<h2>Timeline</h2>
<table>${rows(timeline.map(({ atMs, what }) => [signed(atMs), what]))}</table>
<h2>Figures</h2>
<table>${rows(figureLines(figures))}</table>
<h2>Guarantees</h2>
<table><tr><th>guarantee</th><th>verdict</th><th>checked</th><th>violations</th></tr>
${guarantees
  .map((one) => {
    const verdict = verdictOf(one)
    const kind = verdict === 'held' ? 'ok' : verdict === 'broken' ? 'bad' : 'dim'
    return `<tr><td>${escaped(one.title)}</td><td class="${kind}">${verdict}</td><td>${one.checkedOps}</td><td>${one.violations.length}</td></tr>`
  })
  .join('\n')}
</table>
${guarantees.map(violationsHtml).join('')}
${notes.map((note) => `<p class="dim">${escaped(note)}</p>`).join('\n')}
<h2>Plan</h2>
<pre>${escaped(JSON.stringify(plan.steps, null, 2))}</pre>
<p class="dim">Nearside ${escaped(version)}, ${new Date(faultAt).toISOString()}, seed ${seed}.</p>
</body></html>
`
}

const mostShown = 5
/** A violation may list many operations. */
const longestShown = 300

/** Collapsed unless the guarantee is broken; the table has the count. */
function violationsHtml(one: Guarantee): string {
  const { title, violations } = one
  if (violations.length === 0) return ''
  const shown = violations.slice(0, mostShown).map(({ what }) => {
    const text = what.length > longestShown ? `${what.slice(0, longestShown - 1)}…` : what
    return `<li>${escaped(text)}</li>`
  })
  const more = violations.length > mostShown ? `<li>and ${violations.length - mostShown} more</li>` : ''
  const open = verdictOf(one) === 'broken' ? ' open' : ''
  return `<details${open}><summary>${escaped(title)}: ${violations.length}</summary><ul class="dim">${shown.join('')}${more}</ul></details>\n`
}
