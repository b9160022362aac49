import { messageOf } from '../../lib/errors.ts'
import type { MemberStatus } from '../../lib/etcd.ts'
import { Loop } from '../../lib/loop.ts'
import type { AgentBase } from '../types.ts'

/** The leader rarely changes, so polling every few seconds is enough. */
const everyMs = 5000

/** Polls etcd's leader and the status of the region's own member. Does nothing in a region without a member. */
export class EtcdWatch {
  /** Region whose member leads etcd; undefined when unknown. */
  leader: string | undefined
  /** Up to `everyMs` old; undefined without a member, or while it does not answer. */
  member: MemberStatus | undefined
  readonly #agent: Pick<AgentBase, 'context' | 'store'>
  readonly #loop: Loop

  constructor(agent: Pick<AgentBase, 'context' | 'store' | 'log'>) {
    this.#agent = agent
    this.#loop = new Loop({
      round: () => this.#poll(),
      restMs: everyMs,
      onError: (error) => agent.log.warn({ error: messageOf(error) }, 'could not poll etcd'),
    })
  }

  start(): void {
    if (this.#agent.context.region.votes) this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** True when the region's own member was the leader and has accepted the transfer to `to`. */
  async moveLeader(to: string): Promise<boolean> {
    this.leader = undefined
    return this.#agent.store.moveEtcdLeader(to)
  }

  async #poll(): Promise<void> {
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
