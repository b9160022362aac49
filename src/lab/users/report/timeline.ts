import type { UsersResult } from '../result.ts'
import { type Markup, markup } from './markup.ts'
import { linear, ticks } from './scale.ts'
import { ms, seconds, whole } from './words.ts'

const [width, height] = [760, 250]
const [left, right, top, bottom] = [56, 62, 14, 32]
const failedHeight = 34

/** Latency over time: median and 95th percentile, with failures below. */
export function timelineChart({ timeline, slo, ranMs }: UsersResult): Markup {
  const { steps, everyMs } = timeline
  const answered = steps.filter(({ requests, failed }) => requests > failed)
  const largest = Math.max(slo.latencyMs * 1.2, ...answered.map(({ p95 }) => p95))
  const floor = height - bottom - failedHeight
  const x = linear([0, ranMs], [left, width - right])
  const y = linear([0, largest], [floor, top])
  const mostFailed = Math.max(0, ...steps.map(({ failed }) => failed))
  const line = (of: 'p50' | 'p95') =>
    answered.map((step) => `${round(x(step.atMs + everyMs / 2))} ${round(y(step[of]))}`).join('L')
  const last = answered.at(-1)
  const bars = steps.map(({ atMs, failed }) =>
    failed === 0
      ? undefined
      : markup`<rect class="failed" x="${x(atMs)}" y="${height - bottom - (failed / mostFailed) * (failedHeight - 12)}" width="${Math.max(1, x(everyMs) - x(0) - 1)}" height="${(failed / mostFailed) * (failedHeight - 12)}"><title>${whole(failed)} failed at ${seconds(atMs / 1000)}</title></rect>`,
  )
  return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Latency over time">
${ticks(largest, 4).map((tick) => markup`<path class="grid" d="M${left} ${y(tick)}H${width - right}"/><text class="tick" x="${left - 8}" y="${y(tick) + 4}" text-anchor="end">${tick === 0 ? '0' : ms(tick)}</text>`)}
<path class="slo" d="M${left} ${y(slo.latencyMs)}H${width - right}"/>
<path class="line tail" d="M${line('p95')}"/><path class="line middle" d="M${line('p50')}"/>
${last ? markup`<text class="label" x="${width - right + 8}" y="${y(last.p95) + 4}">p95</text><text class="label" x="${width - right + 8}" y="${Math.max(y(last.p50), y(last.p95) + 15) + 4}">p50</text>` : undefined}
${bars}
<path class="axis" d="M${left} ${height - bottom}H${width - right}"/>
<text class="tick" x="${left - 8}" y="${height - bottom}" text-anchor="end">failed</text>
<text class="tick" x="${width - right + 8}" y="${height - bottom}">${mostFailed === 0 ? 'none' : `≤ ${whole(mostFailed)}`}</text>
${ticks(ranMs / 1000, 7).map((tick) => markup`<text class="tick" x="${x(tick * 1000)}" y="${height - 10}" text-anchor="middle">${seconds(tick)}</text>`)}
</svg>`
}

const round = (value: number) => Math.round(value * 10) / 10
