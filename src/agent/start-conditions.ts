import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../lib/errors.ts'
import type { RegionPlan } from '../plan.ts'
import { firstPrimary } from '../topology/regions.ts'
import type { Looks } from './coordination/loop.ts'
import type { Gate } from './supervision/supervisor.ts'
import type { AgentBase } from './types.ts'

/** What a region's processes wait for beyond their own region. */
export function gatesOf(
  agent: Pick<AgentBase, 'context' | 'record' | 'shared' | 'log' | 'stopping'>,
  plan: RegionPlan,
  looks: Pick<Looks, 'until'>,
): Record<string, Gate> {
  const { region, topology } = agent.context
  const first = firstPrimary(topology)
  const gates: Record<string, Gate> = {
    postgres: {
      waitsFor: `the first primary, in ${first}`,
      opens: async () => {
        if (region.votes) await enableAuth(agent)
        // The very first primary is the one that the topology names; afterwards whoever holds the data may lead.
        if (first !== region.name) await looks.until((snapshot) => snapshot.initialized)
      },
    },
  }
  for (const { name, engine } of plan.processes)
    if (engine === 'app')
      gates[name] = {
        waitsFor: 'app.release, in the primary’s region',
        opens: () => looks.until((snapshot) => snapshot.releases[agent.record.run] === 'ok'),
      }
  return gates
}

async function enableAuth(agent: Pick<AgentBase, 'shared' | 'log' | 'stopping'>): Promise<void> {
  for (;;) {
    try {
      return await agent.shared.etcd.enableAuth()
    } catch (error) {
      if (agent.stopping) return
      agent.log.warn({ error: messageOf(error) }, 'etcd authentication is not on yet')
      await sleep(500)
    }
  }
}
