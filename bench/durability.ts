import type { Benchmark } from './figure.ts'
import { inLab } from './lab/in-lab.ts'
import { median, spreadOf, sum } from './statistics.ts'

const defaultRuns = 5
const targetMs = 5

export const durability: Benchmark = {
  name: 'durability',
  title: 'The cost of durability “region” per commit',
  how: `In a lab, the primary in the east and its standby in the west of the United States: one session in the primary's region
commits one row after the other, alternating 8 s with \`synchronous_commit\` as durability “region” sets it and 8 s as “local” sets it. The cost is
the difference of the medians; distance requires one round trip of the link.`,
  async run({ runs = defaultRuns }, say) {
    const { linkMs, measuredLinkMs, rounds } = await inLab('commitCosts', { runs }, say)
    const costs = rounds.map(({ region, local }) => region.p50 - local.p50)
    const slowCosts = rounds.map(({ region, local }) => region.p95 - local.p95)
    const beyond = costs.map((cost) => cost - linkMs)
    const local = rounds.map((one) => one.local.p50)
    const region = rounds.map((one) => one.region.p50)
    const commits = sum(rounds.map((one) => one.region.commits))
    return [
      {
        what: 'round trip of the link',
        value: linkMs,
        unit: 'ms',
        note: `opening a TCP connection between the regions took ${measuredLinkMs.toFixed(2)} ms`,
      },
      { what: 'commit, “local”, median', value: median(local), unit: 'ms', spread: spreadOf(local) },
      {
        what: 'commit, “region”, median',
        value: median(region),
        unit: 'ms',
        spread: spreadOf(region),
        note: `${commits} commits in ${rounds.length} rounds`,
      },
      { what: 'cost of “region”', value: median(costs), unit: 'ms', spread: spreadOf(costs) },
      {
        what: '  beyond one round trip',
        value: median(beyond),
        unit: 'ms',
        spread: spreadOf(beyond),
        target: { atMost: targetMs },
      },
      {
        what: '  at the 95th percentile',
        value: median(slowCosts) - linkMs,
        unit: 'ms',
      },
    ]
  },
}
