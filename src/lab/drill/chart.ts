import { type History, isWrite, type Op } from '../history.ts'
import { escaped } from '../users/report/markup.ts'
import { signed } from './text.ts'
import type { Moment } from './timeline.ts'

/** Draws a drill's operations per second as SVG. Pure. */

const width = 900
const left = 44
const right = 8
const labelHeight = 13
const mostLabelRows = 4
const curvesHeight = 150
const failedHeight = 54
const gap = 26

type Series = { name: string; color: string; of: (op: Op) => boolean }

const answered: readonly Series[] = [
  { name: 'reads answered', color: '#9cc3e8', of: (op) => !isWrite(op) && op.outcome === 'ok' },
  { name: 'writes acknowledged', color: '#1f6fb4', of: (op) => isWrite(op) && op.outcome === 'ok' },
]
const failed: Series = { name: 'failed or unknown', color: '#b3261e', of: (op) => op.outcome !== 'ok' }

/**
 * Answered operations above, failures below on their own scale: a region that refuses connections immediately fails a
 * thousand times a second, which would flatten everything else. The moments of the timeline cross both.
 */
export function chart({ ops }: History, timeline: readonly Moment[], t0: number): string {
  if (ops.length === 0) return '<p class="dim">no operations</p>'
  const seconds = ops.map(({ completedMs }) => Math.floor((completedMs - t0) / 1000))
  const first = seconds.reduce((a, b) => Math.min(a, b))
  const last = seconds.reduce((a, b) => Math.max(a, b))
  const count = last - first + 1
  const perSecond = ({ of }: Series) => {
    const sums = new Array<number>(count).fill(0)
    ops.forEach((op, i) => {
      if (of(op)) sums[seconds[i]! - first]! += 1
    })
    return sums
  }
  const x = (second: number) => left + ((second - first) / Math.max(1, count - 1)) * (width - left - right)
  const marks = marksOf(timeline, x)
  const top = 6 + marks.rows * labelHeight
  const base = top + curvesHeight
  const failedBase = base + gap + failedHeight
  const height = failedBase + 42

  const curves = answered.map((one) => ({ ...one, sums: perSecond(one) }))
  const most = highest(curves.flatMap(({ sums }) => sums))
  const y = (value: number) => base - (value / most) * curvesHeight
  const lines = curves.map(
    ({ color, sums }) =>
      `<polyline fill="none" stroke="${color}" stroke-width="1.6" points="${sums.map((value, i) => `${x(i + first).toFixed(1)},${y(value).toFixed(1)}`).join(' ')}"/>`,
  )
  const failures = perSecond(failed)
  const mostFailed = highest(failures)
  const barWidth = Math.max(1, (width - left - right) / count - 0.5)
  const bars = failures.flatMap((value, i) => {
    if (value === 0) return []
    // A single failure must be visible next to a thousand.
    const tall = Math.max(2, (value / mostFailed) * failedHeight)
    return [
      `<rect x="${(x(i + first) - barWidth / 2).toFixed(1)}" y="${(failedBase - tall).toFixed(1)}" width="${barWidth.toFixed(1)}" height="${tall.toFixed(1)}" fill="${failed.color}"><title>${value} failed or unknown at ${i + first} s</title></rect>`,
    ]
  })
  const step = Math.max(1, Math.ceil(count / 12 / 5) * 5)
  const ticks = Array.from({ length: count }, (_, i) => first + i)
    .filter((second) => second % step === 0)
    .map((second) => text(x(second), failedBase + 14, `${second} s`, 'middle'))
  const legend = [...answered, failed].map(
    ({ name, color }, i) =>
      `<rect x="${left + i * 170}" y="${height - 14}" width="10" height="10" fill="${color}"/>${text(left + 14 + i * 170, height - 5, name)}`,
  )
  const scales = [
    ...[text(left - 5, top + 8, `${most}/s`, 'end'), text(left - 5, base, '0', 'end'), axis(base)],
    ...[
      text(left - 5, failedBase - failedHeight + 8, failures.some(Boolean) ? `${mostFailed}/s` : '', 'end'),
    ],
    ...[text(left - 5, failedBase, '0', 'end'), axis(failedBase)],
  ]
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="operations per second">${[...scales, ...lines, ...bars, ...marks.draw(failedBase), ...ticks, ...legend].join('\n')}</svg>`
}

const highest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), 1)

const text = (x: number, y: number, words: string, anchor = 'start') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped(words)}</text>`

const axis = (y: number) => `<line x1="${left}" x2="${width - right}" y1="${y}" y2="${y}" stroke="#c8d2dc"/>`

/** Average character width of the chart's font. */
const letterWidth = 6.2

/** Lines with labels. A label that would overlap another moves down a row, or is left to the table. */
export function marksOf(timeline: readonly Moment[], x: (second: number) => number) {
  const free: number[] = []
  const placed = timeline
    .filter(({ kind }) => kind === 'fault' || kind === 'primary' || kind === 'healed' || kind === 'settled')
    .map((moment) => {
      const at = x(moment.atMs / 1000)
      const long = moment.kind.length * letterWidth + 6
      // Near the right edge, the label is on the left of its line.
      const from = at + long > width ? at - long : at
      const found = free.findIndex((end) => end <= from)
      const row = found >= 0 ? found : free.length < mostLabelRows ? free.length : undefined
      if (row !== undefined) free[row] = from + long
      return { ...moment, at, from, row }
    })
  const draw = (bottom: number) =>
    placed.map(({ at, from, row, kind, atMs, what }) => {
      const color = kind === 'fault' ? '#b3261e' : '#66788a'
      const top = 4 + (row ?? mostLabelRows - 1) * labelHeight
      const line = `<line x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${top}" y2="${bottom}" stroke="${color}" stroke-dasharray="3 3"><title>${escaped(`${signed(atMs)} ${what}`)}</title></line>`
      return row === undefined ? line : `${line}${text(from + 3, top + 10, kind)}`
    })
  return { rows: free.length, placed, draw }
}
