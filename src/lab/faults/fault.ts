/**
 * A fault breaks something on purpose. It is a plain value, so it can be printed, put into a plan, kept on disk while it
 * is active, and healed by whoever finds it there: the value is all that healing needs. Each kind has its own fields,
 * its type stands beside its driver, and `Fault` in `table.ts` is the union of them all.
 *
 * Regions and processes are names, as `nearside status --verbose` shows them.
 */
export type FaultValue = {
  kind: string
  /** See `Lasting`; absent if the fault is over as soon as it has been injected. */
  forMs?: number
}

/** The fault is healed after `forMs` at the latest, whatever becomes of the command that injected it. */
export type Lasting = { forMs: number }

export const boundMs = (fault: FaultValue): number => fault.forMs ?? 0

/** No rehearsal takes longer than this, and a forgotten fault does no harm for longer than this. */
export const longestMs = 60 * 60_000

/** Tells one kind from all others, among records on disk for example. */
export const isKind =
  <F extends FaultValue>(kind: F['kind']) =>
  (fault: FaultValue): fault is F =>
    fault.kind === kind
