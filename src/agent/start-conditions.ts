import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../lib/errors.ts'
import type { RegionPlan } from '../plan.ts'
import { firstPrimary } from '../topology/regions.ts'
import type { CoordinationLoop } from './coordination/loop.ts'
import type { StartCondition } from './supervision/keeper.ts'
import type { AgentBase } from './types.ts'

/** Conditions outside their own region that processes wait for before they start. */
export function startConditionsOf(
  agent: Pick<AgentBase, 'context' | 'record' | 'store' | 'log' | 'stopping'>,
  plan: RegionPlan,
  coordination: Pick<CoordinationLoop, 'until'>,
): Record<string, StartCondition> {
  const { region, topology } = agent.context
  const first = firstPrimary(topology)
  // Without a release command, apps wait only until the primary's region has noted that there is nothing to run.
  const waitsFor = topology.app.release ? 'app.release in the primary’s region' : 'a primary'
  const startConditions: Record<string, StartCondition> = {
    postgres: {
      waitsFor: `the first primary in ${first}`,
      met: async () => {
        if (region.votes) await enableAuth(agent)
        // Only the region that the topology names may create the database; afterwards any region may lead.
        if (first !== region.name) await coordination.until((snapshot) => snapshot.initialized)
      },
    },
  }
  for (const { name, engine } of plan.processes)
    if (engine === 'app')
      startConditions[name] = {
        waitsFor,
        met: () => coordination.until((snapshot) => snapshot.releases[agent.record.run]?.kind === 'ok'),
      }
  return startConditions
}

async function enableAuth(agent: Pick<AgentBase, 'store' | 'log' | 'stopping'>): Promise<void> {
  for (;;) {
    try {
      return await agent.store.etcd.enableAuth()
    } catch (error) {
      if (agent.stopping) return
      agent.log.warn({ error: messageOf(error) }, 'could not enable etcd authentication yet')
      await sleep(500)
    }
  }
}
