import type { ClusterFacts } from './cluster-facts.ts'
import type { FaultValue } from './fault.ts'
import type { Captured, FaultRecord } from './record.ts'
import type { FaultTarget, ProcessChoice } from './target.ts'

/** `anywhere` includes labs. The others need a network that can be changed, or what `lab up` prepares on request. */
export type Needs = 'anywhere' | 'lab' | 'lab with --app-faults' | 'lab with --small-disk'

/**
 * Everything about one kind of fault. The rest of the code (command line, injection, healing, guard, doctor, drills)
 * finds the driver in `table.ts` and knows no kind by its name.
 */
export type FaultDriver<F extends FaultValue> = {
  /** Positional arguments after the kind. */
  words: readonly ('REGION' | 'PROCESS' | 'REGION|users')[]
  options?: readonly FaultOption<unknown>[]
  /** For `--list`: the effect, how it is healed, where it works, and what to know before drawing conclusions. */
  does: string
  heals: string
  needs: Needs
  note?: string
  /** Pure. Throws what is wrong with the arguments; the number of words is right already. */
  parse(input: FaultInput): F
  /** An imperative without the duration: `kill us-east/etcd`. */
  describe(fault: F): string
  /** Likewise; undefined if there is nothing to heal. */
  describeHealing(fault: F): string | undefined
  /** Regions that cannot do their part while the fault is active. */
  impairs?(fault: F): readonly string[]
  /** Users are affected while injection is under way; other faults affect them once injected. */
  actsDuringInjection?: true
  /** Throws if this target cannot have the fault. Called before anything is announced or done. */
  requires?(subject: FaultSubject<F>): void
  /** Looks up what healing needs beside the fault itself. It goes into the record before the fault acts. */
  capture?(subject: FaultSubject<F>): Promise<Captured>
  /** Resolves once the fault is active. `beforeHealing` takes what ends the work that keeps it active. */
  inject(context: FaultContext<F>, beforeHealing: (end: EndUpkeep) => void): Promise<void>
  /** Undoes the fault, also where it is healed already or was never injected. Other active faults stay active. */
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
  /** Likewise, without this one: what these hold, healing leaves as it is. */
  others: () => readonly FaultRecord[]
  /** Processes that the others keep stopped. */
  held: () => readonly ProcessChoice[]
}

/** What a driver reads its fault from. */
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
  /** In place of `<…>` in `--list`. */
  shown: string
  required?: true
  /** For `--help`, after the kinds that have the option. */
  help: string
  read: (text: string) => T
}
