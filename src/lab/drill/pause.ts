import { type History, isWrite } from '../history.ts'
import type { DrillEvent } from './event.ts'

/**
 * A period without an acknowledged write, by the history's clock. `open`: no write was acknowledged afterwards, so it
 * may have lasted longer.
 */
type Pause = { fromMs: number; toMs: number; open: boolean }

/** Shorter gaps between acknowledged writes come from the load itself. */
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

/** The longest pause after a moment, from any cause. */
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

type CausedPause = Pause & { /** When the step that caused it was done. */ causeMs: number }

/**
 * The first pause that a fault caused: it overlaps the time in which a fault was active. If several were, the cause is
 * the latest one that was active when writes paused.
 */
export function causedPause(
  history: Pick<History, 'ops'>,
  drillEvents: readonly DrillEvent[],
): CausedPause | undefined {
  const spans = timesInForce(drillEvents)
  const [first] = spans
  if (!first) return undefined
  for (const pause of silences(history, first.fromMs, () => true)) {
    // A pause that ended right after the step began was there before it.
    const over = spans.filter(
      ({ fromMs, toMs }) => pause.toMs - fromMs >= pauseThresholdMs && toMs > pause.fromMs,
    )
    // A cut is recorded once it is active, shortly after the last packet.
    const before = over.findLast(({ fromMs }) => fromMs <= pause.fromMs + pauseThresholdMs)
    const cause = before ?? over[0]
    if (cause) return { ...pause, causeMs: cause.fromMs }
  }
  return undefined
}

/**
 * The active time of each fault, in order of start. A fault that ends by itself (a restart, a killed process) counts
 * until the world has settled or the next step is done.
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
