import type { Benchmark, Figure, Unit } from './figure.ts'
import { inLab } from './lab/in-lab.ts'
import { commitsPerSecond, type Lags } from './lab/lags.ts'

/** Slow rows come in episodes about every ten seconds, so with fewer runs the 99th percentile is random. */
const defaultRuns = 6
const secondsEach = 30
const targetMs = 15

export const lag: Benchmark = {
  name: 'lag',
  title: 'Replication lag at a distance',
  how: `In a lab, the primary in the east and its replica in the west of the United States: ${commitsPerSecond} commits per second for ${secondsEach} s a run
(pgbench at a fixed rate, one row each, each waiting for both regions), and twenty rows a second that are followed. Lag: from
the moment that such a row's INSERT is sent until a session at the replica sees it, by one clock; it includes the commit at
the primary, the way, and the replay. Half a round trip of the link is the minimum. Alternating with it, two plain servers
at the same places, with PostgreSQL's own settings and nothing in front of them.`,
  async run({ runs = defaultRuns }, say) {
    const input = { seconds: secondsEach, rounds: runs }
    const { linkMs, ours, plain } = await inLab('replicationLags', input, say)
    return figuresOf(linkMs, ours, plain)
  },
}

export function figuresOf(linkMs: number, ours: Lags, plain: Lags): Figure[] {
  const oneWay = linkMs / 2
  const versus = (what: string, unit: Unit, of: (lags: Lags) => number, note?: string): Figure => {
    const [value, peer] = [of(ours), of(plain)]
    const ratio = value / peer
    return {
      ...{ what, value, unit },
      peer: { name: 'PostgreSQL alone', value: peer, ratio, ratioSpread: [ratio, ratio] },
      ...(note === undefined ? {} : { note }),
    }
  }
  const commits = ({ commits }: Lags) =>
    `median ${commits.p50Ms.toFixed(1)} ms, 99th percentile ${commits.p99Ms.toFixed(1)} ms`
  const range = ({ lagsMs }: Lags) =>
    `${lagsMs.length} rows followed, from ${at(lagsMs, 0).toFixed(1)} to ${at(lagsMs, 1).toFixed(1)} ms`
  return [
    { what: 'half a round trip of the link', value: oneWay, unit: 'ms' },
    versus(
      'commits per second',
      '/s',
      ({ commits }) => commits.perSecond,
      `each in both regions: ${commits(ours)}; PostgreSQL alone: ${commits(plain)}`,
    ),
    versus(
      'lag, median',
      'ms',
      ({ lagsMs }) => at(lagsMs, 0.5),
      `${range(ours)}; PostgreSQL alone: ${range(plain)}`,
    ),
    versus('lag, 95th percentile', 'ms', ({ lagsMs }) => at(lagsMs, 0.95)),
    versus('lag, 99th percentile', 'ms', ({ lagsMs }) => at(lagsMs, 0.99)),
    {
      what: '  99th percentile beyond half a round trip',
      value: at(ours.lagsMs, 0.99) - oneWay,
      unit: 'ms',
      target: { atMost: targetMs },
      note: `PostgreSQL alone: ${(at(plain.lagsMs, 0.99) - oneWay).toFixed(1)} ms`,
    },
    { what: '  median beyond half a round trip', value: at(ours.lagsMs, 0.5) - oneWay, unit: 'ms' },
  ]
}

const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
