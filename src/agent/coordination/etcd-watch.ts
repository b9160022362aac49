import { setTimeout as sleep } from 'node:timers/promises'
import type { MemberStatus } from '../../lib/etcd.ts'
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
  #stopping = false
  #loop: Promise<void> | undefined

  constructor(agent: Pick<AgentBase, 'context' | 'store'>) {
    this.#agent = agent
  }

  start(): void {
    if (this.#agent.context.region.votes) this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#loop
  }

  /** True when the region's own member led, and has been asked to hand over to that region's. */
  async moveLeader(to: string): Promise<boolean> {
    this.leader = undefined
    return this.#agent.store.moveEtcdLeader(to)
  }

  async #run(): Promise<void> {
    const { store } = this.#agent
    while (!this.#stopping) {
      try {
        const { idByName, leader } = await store.etcd.members()
        this.leader = Object.keys(idByName).find((name) => idByName[name] === leader)
      } catch {
        this.leader = undefined
      }
      this.member = await store.ownMember()
      for (let waitedMs = 0; waitedMs < everyMs && !this.#stopping; waitedMs += 250) await sleep(250)
    }
  }
}
