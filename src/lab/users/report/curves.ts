import type { UsersResult } from '../result.ts'
import { type Markup, markup } from './markup.ts'
import { linear, ticks } from './scale.ts'
import { ms, percent } from './words.ts'

const [width, height] = [760, 330]
const [left, right, top, bottom] = [48, 118, 14, 34]

/**
 * The cumulative distribution of latencies, one curve per area. The SLO is a corner that curves should pass on the
 * left. The colours differ from those of the first regions, because an area is not a region.
 */
export function curvesChart({ curves, slo, areas }: UsersResult): Markup {
  const shown = curves.filter(({ points }) => points.length > 0)
  const reach = Math.max(slo.latencyMs * 1.5, ...areas.map(({ latency }) => latency.p99))
  const end = Math.min(reach, slo.latencyMs * 6)
  const x = linear([0, end], [left, width - right])
  const y = linear([0, 1], [height - bottom, top])
  const lines = shown.map(({ points }, i) => {
    const within = points.filter(([value]) => value <= end)
    // Starts at the fastest 0.5 %: below that there is no data.
    const path = [[within[0]?.[0] ?? 0, 0] as const, ...within].map(
      ([value, share]) => `${round(x(value))} ${round(y(share))}`,
    )
    return markup`<path class="line c${(i + 2) % 6}" d="M${path.join('L')}"/>`
  })
  const ends = shown.map(({ name, points }, i) => {
    const last = points.filter(([value]) => value <= end).at(-1)?.[1] ?? 0
    return { name, i, y: y(last) }
  })
  const labels = apart(ends, 15).map(
    ({ name, i, y: at }) =>
      markup`<text class="label f${(i + 2) % 6}" x="${width - right + 10}" y="${at + 4}">${name}</text>`,
  )
  return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Cumulative distribution of latencies by area">
${[0, 0.25, 0.5, 0.75, 1].map((share) => markup`<path class="grid" d="M${left} ${y(share)}H${width - right}"/><text class="tick" x="${left - 8}" y="${y(share) + 4}" text-anchor="end">${percent(share)}</text>`)}
${ticks(end, 7).map((tick) => markup`<text class="tick" x="${x(tick)}" y="${height - 10}" text-anchor="middle">${tick === 0 ? '0' : ms(tick)}</text>`)}
<path class="slo" d="M${x(slo.latencyMs)} ${y(0)}V${y(slo.share)}M${left} ${y(slo.share)}H${x(slo.latencyMs)}"/>
<circle class="slo-dot" cx="${x(slo.latencyMs)}" cy="${y(slo.share)}" r="4"><title>target: ${percent(slo.share)} within ${ms(slo.latencyMs)}</title></circle>
<text class="slo-name" x="${x(slo.latencyMs) + 8}" y="${y(0.04)}">${percent(slo.share)} within ${ms(slo.latencyMs)}</text>
${lines}${labels}
</svg>`
}

const round = (value: number) => Math.round(value * 10) / 10

/** Spreads labels at least `gap` apart, as close to their curves as possible. */
function apart<T extends { y: number }>(labels: readonly T[], gap: number): T[] {
  const sorted = [...labels].sort((a, b) => a.y - b.y)
  const placed: T[] = []
  for (const label of sorted) {
    const above = placed.at(-1)
    placed.push({ ...label, y: above ? Math.max(label.y, above.y + gap) : label.y })
  }
  return placed
}
