import type { ClusterFacts } from './cluster-facts.ts'
import type { FaultValue } from './fault.ts'
import type { Captured, FaultRecord } from './record.ts'
import type { FaultTarget, ProcessChoice } from './target.ts'

/** `anywhere` includes labs. The others need a lab's network, or a lab that was started with the option. */
export type Needs = 'anywhere' | 'lab' | 'lab with --app-faults' | 'lab with --small-disk'

/**
 * Everything about one kind of fault. All other code (command line, injection, healing, guard, doctor, drills) finds
 * the driver in `table.ts` and does not depend on any kind.
 */
export type FaultDriver<F extends FaultValue> = {
  /** Positional arguments after the kind. */
  words: readonly ('REGION' | 'PROCESS' | 'REGION|users')[]
  options?: readonly FaultOption<unknown>[]
  /** For `--list`: the effect, how it is healed, where it works, and limits to consider. */
  does: string
  heals: string
  needs: Needs
  note?: string
  /** Parses the arguments, whose number is already validated. Throws usage errors. Pure. */
  parse(input: FaultInput): F
  /** An imperative without the duration, such as `kill us-east/etcd`. */
  describe(fault: F): string
  /** The same for healing; undefined if there is nothing to heal. */
  describeHealing(fault: F): string | undefined
  /** Regions that the fault disables while it is active. */
  impairs?(fault: F): readonly string[]
  /** Users are affected while injection is under way; other faults affect them once injected. */
  actsDuringInjection?: true
  /** Throws if this target cannot have the fault. Called before anything is announced or done. */
  requires?(subject: FaultSubject<F>): void
  /** Collects what healing needs besides the fault itself, for the record that is written before injection. */
  capture?(subject: FaultSubject<F>): Promise<Captured>
  /** Resolves once the fault is active. `beforeHealing` registers functions that stop the work of keeping it active. */
  inject(context: FaultContext<F>, beforeHealing: (end: EndUpkeep) => void): Promise<void>
  /** Reverts the fault, even if it is already healed or was never injected. Other active faults stay active. */
  heal(context: FaultContext<F>): Promise<void>
  /** Processes that the fault keeps stopped: healing another fault leaves them stopped. */
  stops?(fault: F): readonly ProcessChoice[]
}

export type EndUpkeep = () => void | Promise<void>

export type FaultSubject<F extends FaultValue> = {
  target: FaultTarget
  fault: F
  /** The driver's own description, for errors. */
  effect: string
}

export type FaultContext<F extends FaultValue> = FaultSubject<F> & {
  record: FaultRecord
  /** The active faults. Read from disk at each call, because other commands inject and heal at the same time. */
  active: () => readonly FaultRecord[]
  /** The active faults except this one. Healing leaves their effects in place. */
  others: () => readonly FaultRecord[]
  /** Processes that the others keep stopped. */
  held: () => readonly ProcessChoice[]
}

/** Input from which a driver parses its fault. */
export type FaultInput = {
  kind: string
  words: readonly string[]
  forMs: number
  facts: ClusterFacts
  option: <T>(option: FaultOption<T>) => T | undefined
}

/** An option of one or more kinds of fault. */
export type FaultOption<T> = {
  flags: `--${string} <${string}>`
  /** The value shown in `--list`. */
  shown: string
  required?: true
  /** Text for `--help`, shown after the kinds with this option. */
  help: string
  read: (text: string) => T
}
