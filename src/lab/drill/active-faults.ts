import { messageOf } from '../../lib/errors.ts'
import { describeEffect, describeFault, describeHealing } from '../faults/describe.ts'
import type { Injected } from '../faults/inject.ts'
import { driverOf, type Fault } from '../faults/table.ts'
import { clockMs, type Recorder } from '../history.ts'
import type { DrillEvent } from './event.ts'
import type { DrillWorld } from './types.ts'

/** Faults that the drill has injected and not yet healed, with a log of what it did when. */
export class ActiveFaults {
  readonly drillEvents: DrillEvent[] = []
  readonly #world: DrillWorld
  readonly #recorder: Recorder
  readonly #say: (text: string) => void
  readonly #active = new Map<string, { fault: Fault; injected: Injected }>()
  /** When the last fault became active. */
  lastMs = 0

  constructor(world: DrillWorld, recorder: Recorder, say: (text: string) => void) {
    this.#world = world
    this.#recorder = recorder
    this.#say = say
  }

  async inject(fault: Fault, as: string): Promise<void> {
    this.#say(`Fault: ${describeFault(fault)}`)
    const beganMs = clockMs()
    this.#active.set(as, { fault, injected: await this.#world.inject(fault) })
    this.lastMs = clockMs()
    this.note('fault', describeEffect(fault), {
      as,
      atMs: driverOf(fault).actsDuringInjection ? beganMs : this.lastMs,
    })
  }

  async heal(as: string): Promise<void> {
    const found = this.#active.get(as)
    if (!found) return
    const healing = describeHealing(found.fault)
    if (healing) this.#say(`Healing: ${healing}`)
    await found.injected.heal()
    this.#active.delete(as)
    if (healing) this.note('healed', healing, { as })
  }

  /**
   * A failure to heal one fault does not stop the others; its record remains for the next command. False if one failed.
   */
  async healAll(): Promise<boolean> {
    for (const [as, { fault }] of [...this.#active].reverse())
      await this.heal(as).catch((error) => {
        const left = `${describeEffect(fault)} could not be healed: ${messageOf(error)}`
        this.#say(left)
        this.note('other', left)
      })
    return this.#active.size === 0
  }

  note(
    kind: DrillEvent['kind'],
    text: string,
    { atMs = clockMs(), ...named }: { atMs?: number; as?: string } = {},
  ): void {
    this.drillEvents.push({ atMs, kind, what: text, ...named })
    this.#recorder.mark(text, atMs)
  }
}
