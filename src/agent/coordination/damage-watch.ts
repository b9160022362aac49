import { messageOf } from '../../lib/errors.ts'
import { Loop } from '../../lib/loop.ts'
import type { AgentBase } from '../types.ts'
import type { Damage } from './keys/kind.ts'

/** The keys are up to 500 events, and nothing but their naming depends on it. */
const everyMs = 15_000

/** Looks for damaged values among the keys that coordination cycles do not read. */
export class DamageWatch {
  /** Up to `everyMs` old. */
  found: readonly Damage[] = []
  readonly #loop: Loop

  constructor({ store, log }: Pick<AgentBase, 'store' | 'log'>) {
    this.#loop = new Loop({
      round: async () => {
        const found = await store.rarelyReadDamage()
        for (const { key, why } of found)
          if (!this.found.some((one) => one.key === key))
            log.warn({ key, why }, 'skipping a damaged value in etcd')
        this.found = found
      },
      restMs: everyMs,
      onError: (error) => log.warn({ error: messageOf(error) }, 'could not look for damaged values in etcd'),
    })
  }

  start(): void {
    this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }
}
