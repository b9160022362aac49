import { messageOf } from '../../lib/errors.ts'
import type { MemberStatus } from '../../lib/etcd.ts'
import { Loop } from '../../lib/loop.ts'
import type { AgentBase } from '../types.ts'

/** It changes rarely; asking every few seconds is enough. */
const everyMs = 5000

/** Knows who leads etcd, and what the region's own member says of itself. Asks nobody where there is no member. */
export class EtcdWatch {
  /** Region whose member leads etcd; undefined when unknown. */
  leader: string | undefined
  /** As of a few seconds ago; undefined without a member, or when it is silent. */
  member: MemberStatus | undefined
  readonly #agent: Pick<AgentBase, 'context' | 'store'>
  readonly #loop: Loop

  constructor(agent: Pick<AgentBase, 'context' | 'store' | 'log'>) {
    this.#agent = agent
    this.#loop = new Loop({
      round: () => this.#look(),
      restMs: everyMs,
      onError: (error) => agent.log.warn({ error: messageOf(error) }, 'could not look at etcd'),
    })
  }

  start(): void {
    if (this.#agent.context.region.votes) this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** True when the region's own member led, and has been asked to hand over to that region's. */
  async moveLeader(to: string): Promise<boolean> {
    this.leader = undefined
    return this.#agent.store.moveEtcdLeader(to)
  }

  async #look(): Promise<void> {
    const { store } = this.#agent
    try {
      const { idByName, leader } = await store.etcd.members()
      this.leader = Object.keys(idByName).find((name) => idByName[name] === leader)
    } catch {
      this.leader = undefined
    }
    this.member = await store.ownMember()
  }
}
