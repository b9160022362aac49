import { type History, isWrite } from '../history.ts'
import type { DrillEvent } from './event.ts'

/**
 * A time in which no write was acknowledged to anybody, by the history's clock. `open`: none was acknowledged
 * afterwards, so it may have been longer.
 */
type Pause = { fromMs: number; toMs: number; open: boolean }

/** Shorter silences between two acknowledged writes are the load's own rhythm. */
const pauseThresholdMs = 500

type Edge = (op: { edge: string }) => boolean

function silences({ ops }: Pick<History, 'ops'>, sinceMs: number, chosen: Edge): Pause[] {
  const writes = ops.filter((op) => isWrite(op) && chosen(op))
  const acknowledged = writes
    .filter(({ outcome }) => outcome === 'ok')
    .map(({ completedMs }) => completedMs)
    .sort((a, b) => a - b)
  const tried = writes.reduce((latest, { completedMs }) => Math.max(latest, completedMs), 0)
  const found = acknowledged.slice(1).map((toMs, i) => ({ fromMs: acknowledged[i]!, toMs, open: false }))
  const last = acknowledged.at(-1)
  if (last !== undefined && tried > last) found.push({ fromMs: last, toMs: tried, open: true })
  return found.filter(({ toMs, fromMs }) => toMs > sinceMs && toMs - fromMs >= pauseThresholdMs)
}

/** The longest one after a moment, whatever it came from. */
export function longestPause(
  history: Pick<History, 'ops'>,
  sinceMs: number,
  chosen: Edge = () => true,
): Pause | undefined {
  const [first, ...more] = silences(history, sinceMs, chosen)
  return more.reduce<Pause | undefined>(
    (longest, one) => (lengthOf(one) > lengthOf(longest!) ? one : longest),
    first,
  )
}

const lengthOf = ({ fromMs, toMs }: Pause) => toMs - fromMs

type CausedPause = Pause & { /** When the step was done that it comes from. */ causeMs: number }

/**
 * The first one that a fault caused: it overlaps the time in which one was in force. Of several at once, the latest that
 * was there when writes paused is the cause.
 */
export function causedPause(
  history: Pick<History, 'ops'>,
  drillEvents: readonly DrillEvent[],
): CausedPause | undefined {
  const spans = timesInForce(drillEvents)
  const [first] = spans
  if (!first) return undefined
  for (const pause of silences(history, first.fromMs, () => true)) {
    // What was over a moment after the step had begun before it.
    const over = spans.filter(
      ({ fromMs, toMs }) => pause.toMs - fromMs >= pauseThresholdMs && toMs > pause.fromMs,
    )
    // A cut is noted when it is in force, a moment after the last packet.
    const before = over.findLast(({ fromMs }) => fromMs <= pause.fromMs + pauseThresholdMs)
    const cause = before ?? over[0]
    if (cause) return { ...pause, causeMs: cause.fromMs }
  }
  return undefined
}

/**
 * Of each fault, in the order in which they began. One that is over by itself (a restart, a killed process) counts until
 * the world has settled or the next step is done.
 */
function timesInForce(drillEvents: readonly DrillEvent[]): { fromMs: number; toMs: number }[] {
  const byTime = [...drillEvents].sort((a, b) => a.atMs - b.atMs)
  return byTime.flatMap((drillEvent, i) => {
    if (drillEvent.kind !== 'fault') return []
    const later = byTime.slice(i + 1)
    const healed = later.find(({ kind, as }) => kind === 'healed' && as === drillEvent.as)
    const end = healed ?? later.find(({ kind }) => kind === 'settled' || kind === 'fault')
    return [{ fromMs: drillEvent.atMs, toMs: end?.atMs ?? Number.POSITIVE_INFINITY }]
  })
}
