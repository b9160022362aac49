import { decide, firstServing } from '../failover/decide.ts'
import { recordedStandbys } from '../failover/durability.ts'
import type { Action, DecisionInput, OwnPrimary, Verdict } from '../failover/types.ts'
import { defaultPolicy } from '../failover/verdict.ts'
import { messageOf } from '../lib/errors.ts'
import type { EtcdWatch } from './coordination/etcd-watch.ts'
import { observationsOf, type Snapshot } from './coordination/snapshot.ts'
import { forceFailover } from './database/forced-failover.ts'
import { wakePatroni } from './database/patroni-wakeup.ts'
import type { PrimaryWriteCheck } from './database/primary-write-check.ts'
import type { AgentBase } from './types.ts'

/** Interval between two attempts at a forced failover. */
const retryMs = 30_000

/** Gathers the input of `decide` and carries out its actions. */
export class Decisions {
  /** Those of the latest cycle. */
  verdicts: Verdict[] = []
  readonly #agent: Pick<AgentBase, 'context' | 'record' | 'store' | 'log'>
  readonly #etcd: EtcdWatch
  readonly #writeCheck: PrimaryWriteCheck | undefined
  #forcedMs = -Infinity

  constructor(
    agent: Pick<AgentBase, 'context' | 'record' | 'store' | 'log'>,
    etcd: EtcdWatch,
    writeCheck: PrimaryWriteCheck | undefined,
  ) {
    this.#agent = agent
    this.#etcd = etcd
    this.#writeCheck = writeCheck
  }

  /** Resolves when this agent or another has carried out every action. */
  async follow(snapshot: Snapshot): Promise<void> {
    const { store, log } = this.#agent
    if (snapshot.unheldLeader && (await store.removeUnheldLeader(snapshot.unheldLeader)))
      log.warn({}, 'removed a damaged leader key that no Patroni holds')
    const { verdicts, actions } = decide(this.#world(snapshot))
    this.verdicts = verdicts
    for (const action of actions) {
      if (!(await this.#act(action))) continue
      const { kind, ...detail } = action
      log.info({ action: kind, ...detail }, 'carried out decision')
      await store
        .record(kind, { ...detail, inputs: observationsOf(snapshot) })
        .catch((error) => log.warn({ error: messageOf(error) }, 'could not write event'))
    }
    // After the change of health itself: whoever reads the mark also reads that the region is healthy.
    for (const region of firstServing(verdicts, this.#served(snapshot)))
      await store.markServed(region, this.#agent.record.run)
  }

  #served({ served }: Snapshot): string[] {
    return Object.keys(served).filter((region) => served[region] === this.#agent.record.run)
  }

  #world(snapshot: Snapshot): DecisionInput {
    const { region, regions, topology } = this.#agent.context
    const ownPrimary = this.#ownPrimary(snapshot)
    return {
      self: region.name,
      regions,
      policy: defaultPolicy(topology.failover),
      observations: observationsOf(snapshot),
      health: snapshot.health,
      served: this.#served(snapshot),
      leader: snapshot.leader,
      sync: snapshot.sync,
      etcdLeader: this.#etcd.leader,
      ...(ownPrimary ? { ownPrimary } : {}),
    }
  }

  #ownPrimary({ leader, leaderSinceMs, sync, reports }: Snapshot): OwnPrimary | undefined {
    const { name } = this.#agent.context.region
    if (!this.#writeCheck || leader?.region !== name) return undefined
    const follows = (region: string) => reports[region]?.database?.role === 'replica'
    return {
      unresponsiveMs: this.#writeCheck.unresponsiveMs,
      leadsForMs: leaderSinceMs,
      standbys: recordedStandbys(sync, name).filter(follows),
    }
  }

  /** True when this agent carried out the action, so it must record the event. */
  async #act(action: Action): Promise<boolean> {
    const { store } = this.#agent
    switch (action.kind) {
      case 'setHealth': {
        const done = await store.setHealth(action)
        if (done && action.wakes)
          void wakePatroni(this.#agent, action.wakes, `${action.region} is unreachable`)
        return done
      }
      case 'revokeLeader':
        return store.revokeLeader(action.leader, action.to)
      case 'moveEtcdLeader':
        return this.#etcd.moveLeader(action.to)
      case 'forceFailover':
        this.#forceFailover(action)
        return false
    }
  }

  /** Runs in the background, since the coordination loop must not wait for it. Retried in a later cycle if it fails. */
  #forceFailover(action: Extract<Action, { kind: 'forceFailover' }>): void {
    const now = performance.now()
    if (now - this.#forcedMs < retryMs) return
    this.#forcedMs = now
    void forceFailover(this.#agent, action).catch((error) =>
      this.#agent.log.warn({ error: messageOf(error) }, 'forced failover failed'),
    )
  }
}
