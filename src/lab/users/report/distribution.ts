import type { UsersResult } from '../result.ts'
import { type Markup, markup } from './markup.ts'
import { linear, ticks } from './scale.ts'
import { ms, percent, whole } from './words.ts'

const width = 760
const left = 132
const right = 116
const rowHeight = 92
const barsHeight = 62

/** Latency histograms, one per area over a common axis, with the SLO's time across all. */
export function distributionChart({ histogram, areas, slo }: UsersResult): Markup {
  const { boundsMs } = histogram
  const end = boundsMs.at(-1) ?? 1
  const x = linear([0, end], [left, width - right])
  const height = areas.length * rowHeight + 40
  const sloX = x(Math.min(slo.latencyMs, end))
  const rows = areas.map((area, row) => {
    const counts = histogram.areas.find(({ name }) => name === area.name)?.counts ?? []
    const answered = counts.reduce((sum, count) => sum + count, 0)
    const most = Math.max(1, ...counts.slice(0, -1))
    const base = 24 + row * rowHeight + barsHeight
    const bars = boundsMs.map((bound, i) => {
      const count = counts[i] ?? 0
      if (count === 0) return undefined
      const low = boundsMs[i - 1] ?? 0
      const barHeight = Math.max(1, (count / most) * barsHeight)
      return markup`<rect class="${bound <= slo.latencyMs ? 'fast' : 'slow'}" x="${x(low) + 0.5}" y="${base - barHeight}" width="${Math.max(1, x(bound) - x(low) - 1)}" height="${barHeight}"><title>${area.name}: ${whole(count)} requests (${percent(count / answered)}) took ${low} to ${bound} ms</title></rect>`
    })
    const over = counts.at(-1) ?? 0
    const marks = (
      [
        ['p50', area.latency.p50],
        ['p95', area.latency.p95],
      ] as const
    )
      .filter(([, value]) => value <= end && answered > 0)
      .map(
        ([name, value]) =>
          markup`<path class="mark" d="M${x(value)} ${base}v7"/><text class="tick" x="${x(value)}" y="${base + 18}" text-anchor="middle">${name} ${ms(value)}</text>`,
      )
    return markup`<g>
<text class="name" x="${left - 14}" y="${base - 30}" text-anchor="end">${area.name}</text>
<text class="tick" x="${left - 14}" y="${base - 14}" text-anchor="end">${whole(area.requests)} requests</text>
<path class="axis" d="M${left} ${base}H${width - right}"/>
${bars}${marks}
<text class="${area.fastShare >= slo.share ? 'good' : 'bad'} share" x="${width - right + 12}" y="${base - 26}">${percent(area.fastShare)}</text>
<text class="tick" x="${width - right + 12}" y="${base - 10}">≤ ${ms(slo.latencyMs)}</text>
${over > 0 ? markup`<text class="tick" x="${width - right + 12}" y="${base + 6}">${whole(over)} over ${ms(end)}</text>` : undefined}
</g>`
  })
  return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Distribution of latencies by area">
<path class="slo" d="M${sloX} 14V${height - 28}"/>
<text class="slo-name" x="${sloX}" y="10" text-anchor="middle">SLO ${ms(slo.latencyMs)}</text>
${rows}
${ticks(end, 7).map((tick) => markup`<text class="tick" x="${x(tick)}" y="${height - 8}" text-anchor="middle">${ms(tick).replace(/^0\.0/, '0')}</text>`)}
</svg>`
}
