import { someOf } from '../src/lab/checker/describe.ts'
import { brokenBy } from './failover/loss.ts'
import type { Benchmark, Figure } from './figure.ts'
import { inLab } from './lab/in-lab.ts'
import { type FaultName, faults, type Losses } from './lab/losses.ts'
import type { Timing } from './lab/patroni.ts'
import { median, spreadOf, sum } from './statistics.ts'

const defaultRuns = 10
/** Each takes half a minute and varies less. */
const patroniRuns = (runs: number) => Math.ceil(runs / 3)

/** Patroni's defaults, and the lowest recommended values, which Nearside sets. */
const patroniAlone: Record<string, Timing> = {
  'Patroni’s default': { ttl: 30, loop_wait: 10, retry_timeout: 10 },
  'Patroni at ttl 20': { ttl: 20, loop_wait: 5, retry_timeout: 5 },
}
const targetSeconds: Record<FaultName, number> = { killed: 3.5, unreachable: 5 }
const targetRatio = 0.25

export const regionLoss: Benchmark = {
  name: 'region-loss',
  title: 'Losing the primary’s region, at its distance',
  how: `In a lab: two full regions and a witness across the United States, at the distances of their coordinates. The primary's
region is killed (its processes are gone, its machine refuses connections) and made unreachable (packets to and from it vanish),
alternating, while users at the other region's edge send 50 writes and 50 reads a second, whether earlier ones were answered or
not. Pause: longest time without an acknowledged write. With Nearside's agents, and with Patroni alone: the same world with
\`failover.automatic: false\`, at Patroni's default timing (ttl 30, loop_wait 10, retry_timeout 10) and at 20, 5, 5, a third as
often. At the end both databases are asked for every write. Ratio: of the medians; in brackets the best and the worst that the
runs allow.`,
  async run({ runs = defaultRuns }, say) {
    const ours = await inLab('losses', { agents: true, timings: { Nearside: null }, runs }, say)
    const peers: Record<string, Losses> = {}
    const alone = { agents: false, runs: patroniRuns(runs) }
    // A separate world each, so that other work on this machine can run in between.
    for (const [name, timing] of Object.entries(patroniAlone))
      peers[name] = await inLab('losses', { ...alone, timings: { [name]: timing } }, say)
    return figuresOf(ours, peers)
  },
}

export function figuresOf(ours: Losses, peers: Record<string, Losses>): Figure[] {
  const all = { Nearside: ours, ...peers }
  return [
    {
      what: 'round trip between the two full regions',
      value: ours.roundTripMs,
      unit: 'ms',
    },
    ...faults.flatMap((fault) => [
      pauseFigure(ours, fault),
      ...Object.entries(peers).map(([name, peer], index) =>
        versusPatroni(ours, peer, fault, name, index === 0),
      ),
    ]),
    ...Object.entries(all).flatMap(([name, losses]) => kept(name, losses)),
  ]
}

const pausesOf = ({ measured }: Losses, fault: FaultName) =>
  measured.filter((one) => one.fault === fault).map(({ loss }) => loss.pauseSeconds)

function pauseFigure(losses: Losses, fault: FaultName): Figure {
  const pauses = pausesOf(losses, fault)
  return {
    what: `${fault}: writes paused, median of ${pauses.length}`,
    value: median(pauses),
    unit: 's',
    spread: spreadOf(pauses),
    target: { atMost: targetSeconds[fault] },
    note: pauses.map((pause) => pause.toFixed(2)).join(', '),
  }
}

function versusPatroni(
  ours: Losses,
  peer: Losses,
  fault: FaultName,
  name: string,
  isDefault: boolean,
): Figure {
  const mine = pausesOf(ours, fault)
  const theirs = pausesOf(peer, fault)
  const [fastest, slowest] = spreadOf(mine)
  const [theirFastest, theirSlowest] = spreadOf(theirs)
  return {
    what: `  ${fault}, against ${name}`,
    value: median(mine),
    unit: 's',
    peer: {
      name: 'alone',
      value: median(theirs),
      ratio: median(mine) / median(theirs),
      ratioSpread: [fastest / theirSlowest, slowest / theirFastest],
    },
    ...(isDefault ? { target: { atMost: targetRatio } } : {}),
    note: theirs.map((pause) => pause.toFixed(2)).join(', '),
  }
}

/** The outcome of the writes. Only our world has a target. */
function kept(name: string, { measured, violations }: Losses): Figure[] {
  const acknowledged = sum(measured.map(({ loss }) => loss.orders.acknowledged))
  const failed = sum(measured.map(({ loss }) => loss.orders.refused + loss.orders.unknown))
  const { lost, others } = brokenBy(violations)
  const target = name === 'Nearside' ? { target: { atMost: 0 } } : {}
  return [
    {
      what: `${name}: acknowledged writes lost`,
      value: lost,
      unit: '',
      ...target,
      note: [
        `of ${acknowledged.toLocaleString('en-US')}; ${failed.toLocaleString('en-US')} others were refused or had an unknown outcome`,
        ...(others.length > 0 ? [`other guarantees broken: ${someOf(others)}`] : []),
      ].join('; '),
    },
  ]
}
