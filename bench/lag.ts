import type { Benchmark } from './figure.ts'
import { inLab } from './lab/in-lab.ts'
import { commitsPerSecond } from './lab/lags.ts'

const seconds = 60
const targetMs = 15

export const lag: Benchmark = {
  name: 'lag',
  title: 'Replication lag at a distance',
  how: `In a lab, the primary in the east and its replica in the west of the United States: ${commitsPerSecond} commits a second for ${seconds} s (pgbench at
a fixed rate, one row each, each waiting for both regions), and beside them twenty rows a second that are followed. Lag: from
the moment that such a row's INSERT is sent until a session at the replica sees it, by one clock; so it holds the commit at the
primary, the way, and the replay. The least that the way allows is half a round trip of the link.`,
  async run({ runs = 1 }, say) {
    const { linkMs, commits, lagsMs } = await inLab('replicationLags', { seconds: seconds * runs }, say)
    const at = (share: number) => lagsMs[Math.min(lagsMs.length - 1, Math.floor(share * lagsMs.length))]!
    const oneWay = linkMs / 2
    return [
      { what: 'half a round trip of the link', value: oneWay, unit: 'ms' },
      {
        what: 'commits a second',
        value: commits.perSecond,
        unit: '/s',
        note: `each for both regions: median ${commits.p50Ms.toFixed(1)} ms, 99th percentile ${commits.p99Ms.toFixed(1)} ms`,
      },
      {
        what: 'lag, median',
        value: at(0.5),
        unit: 'ms',
        note: `${lagsMs.length} rows followed; from ${at(0).toFixed(1)} to ${at(1).toFixed(1)} ms`,
      },
      { what: 'lag, 95th percentile', value: at(0.95), unit: 'ms' },
      { what: 'lag, 99th percentile', value: at(0.99), unit: 'ms' },
      {
        what: '  of it beyond half a round trip',
        value: at(0.99) - oneWay,
        unit: 'ms',
        target: { atMost: targetMs },
      },
      { what: '  beyond it, median', value: at(0.5) - oneWay, unit: 'ms' },
    ]
  },
}
