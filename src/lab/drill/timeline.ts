import type { EventKind } from '../../agent/coordination/event-kinds.ts'
import type { Event } from '../../agent/coordination/keys/event.ts'
import type { Observation } from '../../failover/types.ts'
import type { History } from '../history.ts'
import type { DrillEvent } from './event.ts'
import { causedPause } from './pause.ts'
import { primaryView, type Sample } from './sample.ts'

/**
 * The course of a drill, from three sources: the drill's own actions, the agents' decisions (events in etcd, by their
 * own clocks), and the answers that users received. Pure.
 */
export type Moment = {
  /** Counted from the first fault. */
  atMs: number
  kind:
    | 'fault'
    | 'probe'
    | 'verdict'
    | 'revoked'
    | 'primary'
    | 'last write'
    | 'write'
    | 'healed'
    | 'rejoined'
    | 'healthy'
    | 'synchronous'
    | 'settled'
    | 'other'
  what: string
}

type Sources = {
  drillEvents: readonly DrillEvent[]
  events: readonly Event[]
  samples: readonly Sample[]
  history: History
}

export function timelineOf(sources: Sources): Moment[] {
  const { drillEvents, events, samples, history } = sources
  const t0 = drillEvents.find(({ kind }) => kind === 'fault')?.atMs
  if (t0 === undefined) return []
  const at = (epochMs: number) => epochMs - history.header.epochOffsetMs - t0
  const moments: Moment[] = [
    ...drillEvents.map(({ atMs, kind, what }): Moment => ({ atMs: atMs - t0, kind, what })),
    ...events.flatMap((event) => decided(event, at(event.at))),
    ...firstProbe(events, at),
    ...pauseIn(history, drillEvents, t0),
    ...rejoined(samples, t0),
    ...synchronousAgain(samples, drillEvents, t0),
  ]
  return moments.filter(({ atMs, kind }) => atMs >= -1000 || kind !== 'other').sort((a, b) => a.atMs - b.atMs)
}

type Decided = Pick<Moment, 'kind' | 'what'>
type Detail = Record<string, unknown>

const name = (value: unknown) => String(value ?? '?')

/** The moment that each kind of event becomes. `by` is the region that wrote the event. */
const decisions: Record<EventKind, (detail: Detail, by: string) => Decided> = {
  setHealth({ region, state, by }) {
    const says = Array.isArray(by) && by.length > 0 ? ` (according to ${by.join(' and ')})` : ''
    const kind = state === 'healthy' ? 'healthy' : 'verdict'
    return { kind, what: `${name(region)} is ${name(state)}${says}` }
  },
  revokeLeader({ leader }, by) {
    const from = name((leader as { region?: string } | undefined)?.region)
    return { kind: 'revoked', what: `${by} revokes the lease of the primary in ${from}` }
  },
  forceFailover: ({ from, to }) => ({
    kind: 'revoked',
    what: `forced failover: the primary in ${name(from)} is hung, ${name(to)} takes over`,
  }),
  replicaReinit: ({ region, from }) => ({
    kind: 'other',
    what: `replica reinit: the database in ${name(region)} is copied again from ${name(from)}`,
  }),
  primary: ({ to }) => ({ kind: 'primary', what: `the primary is in ${name(to)}` }),
  moveEtcdLeader: ({ to }) => ({ kind: 'other', what: `the etcd leader moves to ${name(to)}` }),
  purge: ({ number, why }) => ({
    kind: 'other',
    what: `purge ${name(number)}${why === undefined ? '' : `: ${name(why)}`}`,
  }),
  release: ({ outcome }, by) => ({ kind: 'other', what: `app.release in ${by}: ${name(outcome)}` }),
  operator: ({ command, regions, process }) => ({
    kind: 'other',
    what: `an operator runs ${name(command)}: ${process === undefined ? '' : `${name(process)} in `}${Array.isArray(regions) ? regions.join(', ') : '?'}`,
  }),
  rollOut: ({ state, paths }) => ({
    kind: 'other',
    what: `roll-out ${name(state)}: ${Array.isArray(paths) ? paths.join(', ') : '?'}`,
  }),
  switchover: ({ from, to }) => ({
    kind: 'other',
    what: `switchover: the primary moved from ${name(from)} to ${name(to)}`,
  }),
}

/** Nothing for decisions before the first fault, which are unrelated, and for kinds of another version. */
function decided({ kind, region, detail }: Event, atMs: number): Moment[] {
  if (atMs < 0 || !Object.hasOwn(decisions, kind)) return []
  return [{ atMs, ...decisions[kind as EventKind](detail, region) }]
}

/** From the inputs of the first verdict: when the first unanswered probe was sent. */
function firstProbe(events: readonly Event[], at: (epochMs: number) => number): Moment[] {
  const verdict = events.find(
    ({ kind, detail, at: epochMs }) => kind === 'setHealth' && detail.state !== 'healthy' && at(epochMs) >= 0,
  )
  const inputs = verdict?.detail.inputs as Record<string, Observation> | undefined
  if (!verdict || !inputs) return []
  const about = String(verdict.detail.region)
  const ages = Object.entries(inputs).flatMap(([vantage, { ageMs, seen }]) =>
    Object.values(seen[about] ?? {}).flatMap((one) =>
      one.ok ? [] : [{ vantage, agoMs: ageMs + one.forMs }],
    ),
  )
  const first = ages.sort((a, b) => b.agoMs - a.agoMs)[0]
  if (!first) return []
  return [
    {
      atMs: at(verdict.at) - first.agoMs,
      kind: 'probe',
      what: `${first.vantage} sends the first probe of ${about} that gets no answer`,
    },
  ]
}

/** The pause that a fault caused; there may be a longer, unrelated one. */
function pauseIn(history: History, drillEvents: readonly DrillEvent[], t0: number): Moment[] {
  const pause = causedPause(history, drillEvents)
  if (!pause) return []
  const last: Moment = {
    atMs: pause.fromMs - t0,
    kind: 'last write',
    what: 'last acknowledged write before the pause',
  }
  if (pause.open) return [last]
  return [last, { atMs: pause.toMs - t0, kind: 'write', what: 'writes are acknowledged again' }]
}

/** Databases that stopped streaming and stream again, according to the primary. */
function rejoined(samples: readonly Sample[], t0: number): Moment[] {
  const away = new Set<string>()
  const moments: Moment[] = []
  for (const sample of samples.filter(({ atMs }) => atMs > t0)) {
    for (const [region, { streaming }] of Object.entries(primaryView(sample)?.lag ?? {})) {
      if (!streaming) away.add(region)
      else if (away.delete(region))
        moments.push({
          atMs: sample.atMs - t0,
          kind: 'rejoined',
          what: `the database in ${region} streams from the primary again`,
        })
    }
  }
  return moments
}

/** The first sample after the last healing in which the primary reports every standby as sync again. */
function synchronousAgain(
  samples: readonly Sample[],
  drillEvents: readonly DrillEvent[],
  t0: number,
): Moment[] {
  const wasLost = samples.find((sample) => sample.atMs > t0 && isAtRisk(primaryView(sample)))
  const healedMs = drillEvents.findLast(({ kind }) => kind === 'healed')?.atMs
  if (!wasLost) return []
  const from = Math.max(wasLost.atMs, healedMs ?? 0)
  const again = samples.find((sample) => sample.atMs > from && primaryView(sample)?.durability === 'region')
  if (!again) return []
  return [
    { atMs: again.atMs - t0, kind: 'synchronous', what: 'every acknowledged write is in two regions again' },
  ]
}

const isAtRisk = (world: { durability: string } | undefined) =>
  world?.durability === 'at risk' || world?.durability === 'stopped'
