import { driverOf, type Fault } from '../faults/table.ts'
import { pick, type Random, seeded, wholeBetween } from '../users/plan/random.ts'
import type { Ground, Step } from './plan.ts'

/**
 * Decides which faults a soak injects and when: a pure function of seed and world, so that a failed run can be
 * repeated. Faults come in rounds. They overlap within a round; between rounds the world settles.
 */
type Round = {
  number: number
  /** Times count from the start of the round; ordered. */
  faults: readonly { atMs: number; fault: Fault }[]
  /** When every fault of the round has been healed. */
  forMs: number
}

export type ScheduleOptions = {
  seed: number
  regions: readonly { name: string; full: boolean; serves: boolean; votes: boolean }[]
  ground: Ground
  /** The lab's apps run with the preload. */
  appFaults?: boolean
  /** Lets several regions fail together, beyond what the topology survives. Violations then break no guarantee. */
  beyond?: boolean
}

/**
 * The regions that a fault disables. A round may disable one region, unless `beyond` is set; the others must cope with
 * everything else.
 */
export function impaired(fault: Fault): string[] {
  return [...(driverOf(fault).impairs?.(fault) ?? [])]
}

const shortestMs = 3_000
const longestMs = 25_000

/** Round n of a soak. Each has its own random sequence, so that skipping one does not change the others. */
export function roundOf(number: number, options: ScheduleOptions): Round {
  const random = seeded(options.seed, `soak round ${number}`)
  const victims = shuffled(random, options.regions).slice(0, options.beyond ? 2 : 1)
  // Only apps of the disabled region may fail: otherwise users would have no healthy app left.
  const ill =
    victims.find((one) => one.full) ??
    pick(
      random,
      options.regions.filter((one) => one.full),
    )
  const wanted = wholeBetween(random, 1, 4)
  const faults: { atMs: number; fault: Fault }[] = []
  for (let i = 0; i < wanted; i += 1) {
    const forMs = wholeBetween(random, shortestMs, longestMs)
    const atMs = i === 0 ? 0 : wholeBetween(random, 0, 15_000)
    const fault = draw(random, options, { victims: victims.map(({ name }) => name), ill: ill.name }, forMs)
    // The same fault twice at the same time adds nothing.
    if (!faults.some((other) => sameKindAndPlace(other.fault, fault))) faults.push({ atMs, fault })
  }
  faults.sort((a, b) => a.atMs - b.atMs)
  const forMs = Math.max(...faults.map(({ atMs, fault }) => atMs + ('forMs' in fault ? fault.forMs : 0)))
  return { number, faults, forMs }
}

const sameKindAndPlace = (a: Fault, b: Fault) =>
  a.kind === b.kind && ('region' in a ? 'region' in b && a.region === b.region : true)

function draw(
  random: Random,
  options: ScheduleOptions,
  { victims, ill }: { victims: readonly string[]; ill: string },
  forMs: number,
): Fault {
  const { regions, ground } = options
  const victim = pick(random, victims)
  const full = regions.filter((one) => one.full).map(({ name }) => name)
  const anyFull = pick(random, full)
  const others = regions.map(({ name }) => name).filter((name) => name !== victim)
  const isFull = full.includes(victim)
  const processes = isFull
    ? ['postgres', 'postmaster', 'etcd', 'haproxy', 'varnish', 'redis', 'knot', 'app-0', 'agent']
    : ['etcd', 'agent']
  const makers: (() => Fault)[] = [
    () => ({ kind: 'kill-region', region: victim, forMs }),
    () => ({ kind: 'pause-region', region: victim, forMs }),
    () => ({ kind: 'restart-region', region: victim }),
    () => ({
      kind: 'pause-process',
      region: victim,
      process: pick(random, isFull ? ['postgres', 'etcd', 'haproxy'] : ['etcd']),
      forMs,
    }),
    () => ({ kind: 'kill-process', region: victim, process: pick(random, processes), forMs }),
    () => ({
      kind: 'kill-process',
      region: anyFull,
      process: pick(random, ['app-0', 'redis', 'varnish', 'knot', 'agent']),
      forMs,
    }),
    () => ({ kind: 'app-hang', region: ill, forMs }),
    () => ({ kind: 'replay-paused', region: anyFull, forMs }),
  ]
  if (ground === 'lab')
    makers.push(
      () => ({ kind: 'cut', region: victim, from: others, direction: 'both', forMs }),
      () => ({
        kind: 'cut',
        region: victim,
        from: others,
        direction: pick(random, ['out', 'in'] as const),
        forMs,
      }),
      () => ({ kind: 'cut', region: victim, from: [pick(random, others)], direction: 'both', forMs }),
      () => ({
        kind: 'slow-link',
        from: victim,
        to: pick(random, others),
        direction: 'both',
        delayMs: wholeBetween(random, 10, 150),
        jitterMs: wholeBetween(random, 0, 20),
        rateBitsPerSecond: 0,
        forMs,
      }),
      () => ({
        kind: 'lossy-link',
        from: victim,
        to: pick(random, others),
        direction: 'both',
        lossShare: wholeBetween(random, 1, 10) / 100,
        forMs,
      }),
    )
  if (ground === 'lab' && options.appFaults)
    makers.push(() => ({ kind: 'app-500', region: ill, share: 1, forMs }))
  if (options.beyond) {
    const voters = regions.filter((one) => one.votes).map(({ name }) => name)
    makers.push(() => ({
      kind: 'etcd-quorum',
      members: shuffled(random, voters).slice(0, Math.ceil(voters.length / 2)),
      forMs,
    }))
  }
  return pick(random, makers)()
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const rest = [...items]
  return items.map(() => rest.splice(Math.floor(random() * rest.length), 1)[0]!)
}

/** A round as steps: injects and heals each fault at its time, and then lets the world settle. */
export function stepsOf(round: Round, settleLimitMs: number): Step[] {
  const drillEvents = round.faults.flatMap(({ atMs, fault }, i) => [
    { atMs, step: { do: 'inject', fault, as: `${round.number}.${i}`, mayRefuse: true } as Step },
    ...('forMs' in fault
      ? [{ atMs: atMs + fault.forMs, step: { do: 'heal', which: `${round.number}.${i}` } as Step }]
      : []),
  ])
  const steps: Step[] = []
  let nowMs = 0
  for (const { atMs, step } of drillEvents.sort((a, b) => a.atMs - b.atMs)) {
    if (atMs > nowMs) steps.push({ do: 'pause', ms: atMs - nowMs })
    nowMs = Math.max(nowMs, atMs)
    steps.push(step)
  }
  return [...steps, { do: 'until', what: 'settled', limitMs: settleLimitMs }]
}
