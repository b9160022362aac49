import { decide } from '../failover/decide.ts'
import type { Action, OwnPrimary, Verdict, World } from '../failover/types.ts'
import { defaultPolicy } from '../failover/verdict.ts'
import { messageOf } from '../lib/errors.ts'
import type { EtcdWatch } from './coordination/etcd-watch.ts'
import { observationsOf, type Snapshot } from './coordination/store.ts'
import { handOver } from './database/forced-failover.ts'
import { wake } from './database/patroni-wakeup.ts'
import type { Pulse } from './database/primary-write-check.ts'
import type { AgentBase } from './types.ts'

/** Between two attempts to give up a primary that hangs. */
const giveUpAgainMs = 30_000

/** Gathers what `decide` asks for, and carries out what it says. */
export class Decisions {
  /** The latest. */
  verdicts: Verdict[] = []
  readonly #agent: Pick<AgentBase, 'context' | 'shared' | 'log'>
  readonly #etcd: EtcdWatch
  readonly #pulse: Pulse | undefined
  #gaveUpMs = -Infinity

  constructor(
    agent: Pick<AgentBase, 'context' | 'shared' | 'log'>,
    etcd: EtcdWatch,
    pulse: Pulse | undefined,
  ) {
    this.#agent = agent
    this.#etcd = etcd
    this.#pulse = pulse
  }

  /** Resolves when every action has been carried out, or has turned out to be another agent's. */
  async follow(snapshot: Snapshot): Promise<void> {
    const { shared, log } = this.#agent
    const { verdicts, actions } = decide(this.#world(snapshot))
    this.verdicts = verdicts
    for (const action of actions) {
      if (!(await this.#act(action))) continue
      const { kind, ...detail } = action
      log.info({ action: kind, ...detail }, 'decision')
      await shared
        .record(kind, { ...detail, inputs: observationsOf(snapshot) })
        .catch((error) => log.warn({ error: messageOf(error) }, 'event'))
    }
  }

  #world(snapshot: Snapshot): World {
    const { region, regions, topology } = this.#agent.context
    const ownPrimary = this.#ownPrimary(snapshot)
    return {
      self: region.name,
      regions,
      policy: defaultPolicy(topology.failover),
      observations: observationsOf(snapshot),
      fitness: snapshot.fitness,
      leader: snapshot.leader,
      sync: snapshot.sync,
      etcdLeader: this.#etcd.leader,
      ...(ownPrimary ? { ownPrimary } : {}),
    }
  }

  #ownPrimary({ leader, leaderSinceMs, sync, reports }: Snapshot): OwnPrimary | undefined {
    const { name } = this.#agent.context.region
    if (!this.#pulse || leader?.region !== name) return undefined
    const follows = (region: string) => reports[region]?.database?.role === 'replica'
    return {
      silentMs: this.#pulse.silentMs,
      leadsForMs: leaderSinceMs,
      standbys: sync.leader === name ? sync.standbys.filter(follows) : [],
    }
  }

  /** True when it was this agent that did it, and it is to be told. */
  async #act(action: Action): Promise<boolean> {
    const { shared } = this.#agent
    switch (action.kind) {
      case 'setFitness': {
        const done = await shared.setFitness(action)
        if (done && action.wakes) void wake(this.#agent, action.wakes, `${action.region} lost`)
        return done
      }
      case 'revokeLeader':
        return shared.revokeLeader(action.leader, action.to)
      case 'moveEtcdLeader':
        return this.#etcd.moveLeader(action.to)
      case 'giveUpPrimary':
        this.#giveUp(action)
        return false
    }
  }

  /** Beside the looks, which others wait for. What does not succeed is tried again after a while. */
  #giveUp(action: Extract<Action, { kind: 'giveUpPrimary' }>): void {
    const now = performance.now()
    if (now - this.#gaveUpMs < giveUpAgainMs) return
    this.#gaveUpMs = now
    void handOver(this.#agent, action).catch((error) =>
      this.#agent.log.warn({ error: messageOf(error) }, 'the primary hangs and could not be given up'),
    )
  }
}
