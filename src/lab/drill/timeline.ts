import type { Event } from '../../agent/shared.ts'
import type { Observation } from '../../failover/types.ts'
import { type History, isWrite } from '../history.ts'
import type { Look } from './look.ts'

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

/** What the drill did, by this machine's monotonic clock. */
export type Deed = { atMs: number; kind: 'fault' | 'healed' | 'settled' | 'other'; what: string }

export type Sources = {
  deeds: readonly Deed[]
  events: readonly Event[]
  looks: readonly Look[]
  history: History
}

/** Shorter silences between two acknowledged writes are the load's own rhythm. */
export const pauseThresholdMs = 500

export function timelineOf(sources: Sources): Moment[] {
  const { deeds, events, looks, history } = sources
  const t0 = deeds.find(({ kind }) => kind === 'fault')?.atMs
  if (t0 === undefined) return []
  const at = (epochMs: number) => epochMs - history.header.epochOffsetMs - t0
  const moments: Moment[] = [
    ...deeds.map(({ atMs, kind, what }): Moment => ({ atMs: atMs - t0, kind, what })),
    ...events.flatMap((event) => decided(event, at(event.at))),
    ...firstProbe(events, at),
    ...pauseIn(history, t0),
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

export type Pause = { fromMs: number; toMs: number; open: boolean }

/**
 * The longest time after a moment in which no write was acknowledged to anybody. `open`: none was acknowledged
 * afterwards, so it may have been longer. Times are those of the history.
 */
export function longestPause(
  { ops }: Pick<History, 'ops'>,
  sinceMs: number,
  chosen: (op: { edge: string }) => boolean = () => true,
): Pause | undefined {
  const writes = ops.filter((op) => isWrite(op) && chosen(op))
  const acknowledged = writes
    .filter(({ outcome }) => outcome === 'ok')
    .map(({ completedMs }) => completedMs)
    .sort((a, b) => a - b)
  const tried = writes.reduce((latest, { completedMs }) => Math.max(latest, completedMs), 0)
  let longest: Pause | undefined
  const consider = (fromMs: number, toMs: number, open: boolean) => {
    if (toMs > sinceMs && (!longest || toMs - fromMs > longest.toMs - longest.fromMs))
      longest = { fromMs, toMs, open }
  }
  for (let i = 1; i < acknowledged.length; i += 1) consider(acknowledged[i - 1]!, acknowledged[i]!, false)
  const last = acknowledged.at(-1)
  if (last !== undefined && tried > last) consider(last, tried, true)
  return longest
}

function pauseIn(history: History, t0: number): Moment[] {
  const pause = longestPause(history, t0)
  if (!pause || pause.toMs - pause.fromMs < pauseThresholdMs) return []
  const last: Moment = {
    atMs: pause.fromMs - t0,
    kind: 'last write',
    what: 'the last write that is acknowledged before the longest pause',
  }
  if (pause.open) return [last]
  return [last, { atMs: pause.toMs - t0, kind: 'write', what: 'writes are acknowledged again' }]
}

/** Databases that had stopped following the primary and follow it again, by the freshest word on each look. */
function rejoined(looks: readonly Look[], t0: number): Moment[] {
  const away = new Set<string>()
  const moments: Moment[] = []
  for (const { atMs, regions } of looks.filter((look) => look.atMs > t0)) {
    const words = regions.flatMap(({ status }) =>
      status?.world?.primary === status?.region ? (status?.world ?? []) : [],
    )
    const lag = words.sort((a, b) => a.ageMs - b.ageMs)[0]?.lag ?? {}
    for (const [region, { streaming }] of Object.entries(lag)) {
      if (!streaming) away.add(region)
      else if (away.delete(region))
        moments.push({
          atMs: atMs - t0,
          kind: 'rejoined',
          what: `the database in ${region} follows the primary`,
        })
    }
  }
  return moments
}

/** The first look after the last healing at which every standby is in step again. */
function synchronousAgain(looks: readonly Look[], deeds: readonly Deed[], t0: number): Moment[] {
  const wasLost = looks.find(
    ({ atMs, regions }) => atMs > t0 && regions.some(({ status }) => isAtRisk(status?.world)),
  )
  const healedMs = deeds.findLast(({ kind }) => kind === 'healed')?.atMs
  if (!wasLost) return []
  const from = Math.max(wasLost.atMs, healedMs ?? 0)
  const again = looks.find(
    ({ atMs, regions }) =>
      atMs > from &&
      regions.some(
        ({ status }) => status?.world?.durability === 'region' && status.world.primary === status.region,
      ),
  )
  if (!again) return []
  return [
    { atMs: again.atMs - t0, kind: 'synchronous', what: 'every acknowledged write is in two regions again' },
  ]
}

const isAtRisk = (world: { durability: string } | undefined) =>
  world?.durability === 'at risk' || world?.durability === 'stopped'
