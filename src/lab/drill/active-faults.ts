import { messageOf } from '../../lib/errors.ts'
import { describeEffect, describeFault, describeHealing } from '../faults/describe.ts'
import type { Injected } from '../faults/inject.ts'
import { driverOf, type Fault } from '../faults/table.ts'
import { clockMs, type Recorder } from '../history.ts'
import type { DrillEvent } from './event.ts'
import type { DrillWorld } from './types.ts'

/** Everything that the drill has injected, and what it did when. */
export class FaultsInForce {
  readonly drillEvents: DrillEvent[] = []
  readonly #world: DrillWorld
  readonly #recorder: Recorder
  readonly #say: (text: string) => void
  readonly #inForce = new Map<string, { fault: Fault; injected: Injected }>()
  /** When the last one was in force. */
  lastMs = 0

  constructor(world: DrillWorld, recorder: Recorder, say: (text: string) => void) {
    this.#world = world
    this.#recorder = recorder
    this.#say = say
  }

  async inject(fault: Fault, as: string): Promise<void> {
    this.#say(`Fault: ${describeFault(fault)}`)
    const beganMs = clockMs()
    this.#inForce.set(as, { fault, injected: await this.#world.inject(fault) })
    this.lastMs = clockMs()
    this.note('fault', describeEffect(fault), {
      as,
      atMs: driverOf(fault).actsDuringInjection ? beganMs : this.lastMs,
    })
  }

  async heal(as: string): Promise<void> {
    const found = this.#inForce.get(as)
    if (!found) return
    const healing = describeHealing(found.fault)
    if (healing) this.#say(`Healing: ${healing}`)
    await found.injected.heal()
    this.#inForce.delete(as)
    if (healing) this.note('healed', healing, { as })
  }

  /** One that cannot be healed does not keep the others; its record stays for the next command. False: there is one. */
  async healAll(): Promise<boolean> {
    for (const [as, { fault }] of [...this.#inForce].reverse())
      await this.heal(as).catch((error) => {
        const left = `${describeEffect(fault)} could not be healed: ${messageOf(error)}`
        this.#say(left)
        this.note('other', left)
      })
    return this.#inForce.size === 0
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
