/**
 * A fault is a deliberate failure. It is a plain value: it can be printed, put into a plan, stored on disk while
 * active, and healed by any process that finds it there. Each kind has its own fields. Its type is defined next to its
 * driver; `Fault` in `table.ts` is the union of all types.
 *
 * Regions and processes are names as in `nearside status --verbose`.
 */
export type FaultValue = {
  kind: string
  /** See `Lasting`. Absent if the fault ends as soon as it has been injected. */
  forMs?: number
}

/** The fault is healed after `forMs` at the latest, even if the command that injected it is killed. */
export type Lasting = { forMs: number }

export const boundMs = (fault: FaultValue): number => fault.forMs ?? 0

/** Longest duration of a fault, which also bounds a forgotten one. */
export const longestMs = 60 * 60_000

/** A type guard for one kind, for example among records on disk. */
export const isKind =
  <F extends FaultValue>(kind: F['kind']) =>
  (fault: FaultValue): fault is F =>
    fault.kind === kind
