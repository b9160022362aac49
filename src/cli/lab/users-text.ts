import type { Latency, Part, UsersResult } from '../../lab/users/result.ts'
import { bytes, count, duration, milliseconds, rate } from '../../lib/format.ts'
import { type Column, type Output, table } from '../output.ts'

/** The users' results for a terminal. Pure. */

type Paint = Output['paint']

const placesShown = 10
const barWidth = 40

export function usersText(result: UsersResult, paint: Paint): string {
  const { all, asked, errors } = result
  if (all.requests === 0) return [...headOf(result, paint), '', ...effortLines(result, paint)].join('\n')
  const blocks = [
    headOf(result, paint),
    partsBlock('users in', result.areas, result, paint),
    partsBlock('sent to', result.regions, result, paint),
    partsBlock('request', result.kinds, result, paint),
    placesBlock(result, paint),
    servedBlock(result, paint),
    histogram(result, paint),
    errors.length > 0 ? errorsBlock(result, paint) : [],
    effortLines(result, paint),
    hints(result, asked.mix, paint),
  ]
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')
}

/** One decimal, so that columns align. 99.96 % must not read as 100 %. */
function percent(share: number): string {
  const value = share * 100
  return `${value >= 99.95 && share < 1 ? '99.9' : value.toFixed(1)} %`
}
/** For use in a sentence. */
const short = (share: number) => percent(share).replace('.0 %', ' %')

/** The verdict in one quotable sentence. */
export function verdict({ all, slo }: Pick<UsersResult, 'all' | 'slo'>): string {
  if (all.requests === 0) return 'no request was answered'
  const asked = `target ${short(slo.share)}`
  return `${slo.met ? 'SLO met' : 'SLO missed'}: ${short(slo.fastShare)} of ${all.requests.toLocaleString('en-US')} requests succeeded within ${milliseconds(slo.latencyMs)} (${asked})`
}

function headOf(result: UsersResult, paint: Paint): string[] {
  const { all, asked, slo, ranMs, users, places, world, distances, warm, cold, stopped, unanswered } = result
  const colour = slo.met ? 'green' : 'red'
  const time = `${duration(ranMs / 1000)}${stopped ? ' (stopped early)' : ''}`
  return [
    paint(['bold', colour], verdict(result)),
    `${world}: mix ${asked.mix}, ${rate(asked.ratePerSecond)} requests/s for ${time}, ${count(users, 'user')} in ${count(places.length, 'place')} (${asked.places}), seed ${asked.seed}`,
    `${rate(all.requests / (ranMs / 1000))} requests/s including assets and redirects; ${all.failed === 0 ? 'none failed' : paint('red', `${count(all.failed, 'request')} failed`)}${unanswered > 0 ? `; ${unanswered} were in flight when the run was stopped` : ''}`,
    ...(cold.requests > 0 && warm.requests > 0
      ? [
          `${short(cold.requests / all.requests)} of requests opened a connection (p50 ${ms(cold.latency.p50)}; connect ${ms(cold.connected.latency.p50)}, DNS ${ms(cold.named.latency.p50)} when resolving); on open connections, ${short(slo.warmFastShare)} succeeded within ${milliseconds(slo.latencyMs)}`,
        ]
      : []),
    `${short(slo.usersFastShare)} of users got at least half of their answers within ${milliseconds(slo.latencyMs)}`,
    ...(distances
      ? []
      : [
          paint(
            'yellow',
            'No network distance: these users are on this machine. For realistic latency, use nearside lab up',
          ),
        ]),
  ]
}

const ms = (value: number) => milliseconds(value)

const latencyColumns: Column[] = [
  { head: 'requests', align: 'right' },
  { head: 'failed', align: 'right' },
  { head: 'p50', align: 'right' },
  { head: 'p95', align: 'right' },
  { head: 'p99', align: 'right' },
  { head: 'max', align: 'right' },
]

const latencyCells = ({ p50, p95, p99, max }: Latency) => [p50, p95, p99, max].map(ms)

function cells(part: Part, { slo }: UsersResult, paint: Paint): string[] {
  const none = part.failed === part.requests
  return [
    part.requests.toLocaleString('en-US'),
    part.failed === 0 ? '' : paint('red', part.failed.toLocaleString('en-US')),
    ...(none ? ['', '', '', ''] : latencyCells(part.latency)),
    paint(part.fastShare >= slo.share ? 'green' : 'yellow', percent(part.fastShare)),
  ]
}

const fastColumn = ({ slo }: UsersResult): Column => ({ head: `≤ ${ms(slo.latencyMs)}`, align: 'right' })

function partsBlock(head: string, parts: readonly Part[], result: UsersResult, paint: Paint): string[] {
  if (parts.length === 0) return []
  return [
    table(
      [{ head }, ...latencyColumns, fastColumn(result)],
      parts.map((part) => [part.name, ...cells(part, result, paint)]),
      (text) => paint('dim', text),
    ),
  ]
}

function placesBlock(result: UsersResult, paint: Paint): string[] {
  const { places } = result
  if (places.length === 0) return []
  const shown = places.slice(0, placesShown)
  const left = places.length - shown.length
  return [
    table(
      [
        { head: left > 0 ? `busiest ${shown.length} of ${places.length} places` : 'place' },
        { head: 'sent to' },
        ...latencyColumns,
        fastColumn(result),
      ],
      shown.map((place) => [
        place.name,
        place.edges.map(({ name }) => name).join(', '),
        ...cells(place, result, paint),
      ]),
      (text) => paint('dim', text),
    ),
  ]
}

function servedBlock({ served, all }: UsersResult, paint: Paint): string[] {
  return [
    table(
      [
        { head: 'users in' },
        { head: 'sent to' },
        { head: 'answered by' },
        { head: 'requests', align: 'right' },
        { head: 'share', align: 'right' },
      ],
      served
        .slice(0, 15)
        .map(({ area, edge, servedBy, requests }) => [
          area,
          edge,
          servedBy === edge ? servedBy : paint('cyan', servedBy),
          requests.toLocaleString('en-US'),
          percent(requests / all.requests),
        ]),
      (text) => paint('dim', text),
    ),
  ]
}

function histogram({ histogram: { boundsMs, areas }, slo }: UsersResult, paint: Paint): string[] {
  const totals = Array.from({ length: boundsMs.length + 1 }, (_, i) =>
    areas.reduce((sum, area) => sum + area.counts[i]!, 0),
  )
  if (sumOf(totals) === 0) return []
  // A terminal has less room than the HTML report.
  const step = Math.ceil(boundsMs.length / mostBars)
  const rows = boundsMs.flatMap((bound, i) => {
    if ((i + 1) % step !== 0 && i !== boundsMs.length - 1) return []
    const from = i - (i % step)
    return [{ low: boundsMs[from - 1] ?? 0, high: bound, value: sumOf(totals.slice(from, i + 1)) }]
  })
  const slowest = { low: boundsMs.at(-1) ?? 0, high: Infinity, value: totals.at(-1)! }
  const bars = slowest.value > 0 ? [...rows, slowest] : rows
  const [all, most] = [sumOf(totals), Math.max(...bars.map(({ value }) => value))]
  return bars.slice(bars.findIndex(({ value }) => value > 0)).map(({ low, high, value }) => {
    const label = high === Infinity ? `over ${low} ms` : `${low} to ${high} ms`
    const eighths = Math.round((value / most) * barWidth * 8)
    const bar = '█'.repeat(Math.floor(eighths / 8)) + ' ▏▎▍▌▋▊▉'[eighths % 8]!.trim()
    const shown = value > 0 && bar === '' ? '▏' : bar
    const colour = high <= slo.latencyMs ? 'green' : 'yellow'
    const share = value === 0 ? '' : percent(value / all)
    return `${label.padStart(15)}  ${paint(colour, shown)} ${share}`.trimEnd()
  })
}

const mostBars = 16
const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)

function errorsBlock({ errors }: UsersResult, paint: Paint): string[] {
  return [
    table(
      [
        { head: 'cause of failure' },
        { head: 'requests', align: 'right' },
        { head: 'share', align: 'right' },
        { head: 'first at', align: 'right' },
        { head: 'last at', align: 'right' },
      ],
      errors.map(({ error, count, share, firstAtMs, lastAtMs }) => [
        paint('red', error),
        count.toLocaleString('en-US'),
        percent(share),
        duration(firstAtMs / 1000),
        duration(lastAtMs / 1000),
      ]),
      (text) => paint('dim', text),
    ),
  ]
}

/** The generator's own resource use, and whether it limited the measurement. */
function effortText({ effort }: Pick<UsersResult, 'effort'>): string {
  const { cpuShare, lateMs, loopDelayMs, inFlightMax, peakMemoryBytes } = effort
  return `Load generator: ${Math.round(cpuShare * 100)} % of one core, ${bytes(peakMemoryBytes)}. Send delay, included in latencies: p50 ${ms(lateMs.p50)}, p99 ${ms(lateMs.p99)}, max ${ms(lateMs.max)}. Event-loop lag: p99 ${ms(loopDelayMs.p99)}. At most ${inFlightMax.toLocaleString('en-US')} requests in flight.`
}

function effortLines(result: UsersResult, paint: Paint): string[] {
  const { limit } = result.effort
  return [
    paint('dim', effortText(result)),
    ...(limit
      ? [
          paint(
            ['yellow', 'bold'],
            `The load generator limited this measurement: ${limit}. Use a lower rate.`,
          ),
        ]
      : []),
  ]
}

function hints({ errors, all }: UsersResult, mix: string, paint: Paint): string[] {
  const missing = errors.find(({ error }) => error === 'HTTP 404')
  if (!missing || missing.count < all.requests / 20 || !['browse', 'checkout'].includes(mix)) return []
  return [
    paint(
      'cyan',
      `The mix ${mix} fits the example shop only; write one for your app, see docs/operate/simulated-users.md`,
    ),
  ]
}
