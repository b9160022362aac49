import type { Event } from '../../agent/coordination/store.ts'
import type { Observation } from '../../failover/types.ts'
import type { History } from '../history.ts'
import type { Deed } from './event.ts'
import { causedPause } from './pause.ts'
import { type Look, primaryWord } from './sample.ts'

/**
 * What happened in a drill, told from three sources: what the drill itself did, what the agents decided (events in
 * etcd, by their own clocks), and what users were told. Pure.
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
    | 'fit'
    | 'synchronous'
    | 'settled'
    | 'other'
  what: string
}

export type Sources = {
  deeds: readonly Deed[]
  events: readonly Event[]
  looks: readonly Look[]
  history: History
}

export function timelineOf(sources: Sources): Moment[] {
  const { deeds, events, looks, history } = sources
  const t0 = deeds.find(({ kind }) => kind === 'fault')?.atMs
  if (t0 === undefined) return []
  const at = (epochMs: number) => epochMs - history.header.epochOffsetMs - t0
  const moments: Moment[] = [
    ...deeds.map(({ atMs, kind, what }): Moment => ({ atMs: atMs - t0, kind, what })),
    ...events.flatMap((event) => decided(event, at(event.at))),
    ...firstProbe(events, at),
    ...pauseIn(history, deeds, t0),
    ...rejoined(looks, t0),
    ...synchronousAgain(looks, deeds, t0),
  ]
  return moments.filter(({ atMs, kind }) => atMs >= -1000 || kind !== 'other').sort((a, b) => a.atMs - b.atMs)
}

function decided({ kind, region, detail }: Event, atMs: number): Moment[] {
  // What was decided before the first fault belongs to another story.
  if (atMs < 0) return []
  if (kind === 'setFitness') {
    const { region: about, state, by } = detail as { region: string; state: string; by?: string[] }
    const says = by && by.length > 0 ? ` (say ${by.join(' and ')})` : ''
    return [{ atMs, kind: state === 'fit' ? 'fit' : 'verdict', what: `${about} is ${state}${says}` }]
  }
  if (kind === 'revokeLeader') {
    const from = (detail.leader as { region?: string } | undefined)?.region ?? '?'
    return [{ atMs, kind: 'revoked', what: `the lease of the primary in ${from} is revoked, by ${region}` }]
  }
  if (kind === 'primary') return [{ atMs, kind: 'primary', what: `the primary is in ${String(detail.to)}` }]
  if (kind === 'moveEtcdLeader')
    return [{ atMs, kind: 'other', what: `etcd’s leader moves to ${String(detail.to)}` }]
  return []
}

/** By the inputs of the first verdict: when the first question was asked that got no answer. */
function firstProbe(events: readonly Event[], at: (epochMs: number) => number): Moment[] {
  const verdict = events.find(
    ({ kind, detail, at: epochMs }) => kind === 'setFitness' && detail.state !== 'fit' && at(epochMs) >= 0,
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
      what: `the first probe of ${about} that gets no answer is sent, by ${first.vantage}`,
    },
  ]
}

/** Of the pause that a fault caused; there may be a longer one that no fault has to do with. */
function pauseIn(history: History, deeds: readonly Deed[], t0: number): Moment[] {
  const pause = causedPause(history, deeds)
  if (!pause) return []
  const last: Moment = {
    atMs: pause.fromMs - t0,
    kind: 'last write',
    what: 'the last write that is acknowledged before they pause',
  }
  if (pause.open) return [last]
  return [last, { atMs: pause.toMs - t0, kind: 'write', what: 'writes are acknowledged again' }]
}

/** Databases that had stopped following the primary and follow it again, by the primary's own word. */
function rejoined(looks: readonly Look[], t0: number): Moment[] {
  const away = new Set<string>()
  const moments: Moment[] = []
  for (const look of looks.filter(({ atMs }) => atMs > t0)) {
    for (const [region, { streaming }] of Object.entries(primaryWord(look)?.lag ?? {})) {
      if (!streaming) away.add(region)
      else if (away.delete(region))
        moments.push({
          atMs: look.atMs - t0,
          kind: 'rejoined',
          what: `the database in ${region} follows the primary`,
        })
    }
  }
  return moments
}

/** The first look after the last healing at which the primary says that every standby is in step again. */
function synchronousAgain(looks: readonly Look[], deeds: readonly Deed[], t0: number): Moment[] {
  const wasLost = looks.find((look) => look.atMs > t0 && isAtRisk(primaryWord(look)))
  const healedMs = deeds.findLast(({ kind }) => kind === 'healed')?.atMs
  if (!wasLost) return []
  const from = Math.max(wasLost.atMs, healedMs ?? 0)
  const again = looks.find((look) => look.atMs > from && primaryWord(look)?.durability === 'region')
  if (!again) return []
  return [
    { atMs: again.atMs - t0, kind: 'synchronous', what: 'every acknowledged write is in two regions again' },
  ]
}

const isAtRisk = (world: { durability: string } | undefined) =>
  world?.durability === 'at risk' || world?.durability === 'stopped'
