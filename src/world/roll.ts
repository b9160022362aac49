import type { RegionStatus } from '../agent/http/status.ts'
import { launcher } from '../agent/supervision/launch.ts'
import { Supervisor } from '../agent/supervision/supervisor.ts'
import { compileRegion } from '../compile.ts'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { duration, list } from '../lib/format.ts'
import type { Note } from '../lib/note.ts'
import type { Region } from '../topology/regions.ts'
import { agentProcess, endAgent, type StartedAgent, startAgent } from './agents.ts'
import type { Change } from './changes.ts'
import type { WorldHandle } from './handle.ts'
import { localRegions } from './here.ts'
import { type Sample, untilServing } from './start.ts'

/** Users go to a region again only once a majority has seen it well for a while; the next one waits that long for it. */
const healthyMs = 30_000

/**
 * Gives a running world its new plan, one region after another, the primary's region last: an agent leaves its engines
 * running, the next one adopts what is unchanged, has reloaded what can take its new files over, and starts the rest anew. The others serve meanwhile. It stops at the
 * first region that does not come back, so that a bad change costs one region and not the world.
 */
export async function roll(
  before: WorldHandle,
  after: WorldHandle,
  change: Extract<Change, { kind: 'live' }>,
  statuses: ReadonlyMap<string, RegionStatus>,
  { note, signal }: { note: Note /** No further region is begun once it is aborted. */; signal: AbortSignal },
): Promise<Map<string, StartedAgent>> {
  const agents = new Map<string, StartedAgent>()
  const primary = (region: Region) => statuses.get(region.name)?.database?.role === 'primary'
  const order = localRegions(after)
    .filter((region) => statuses.has(region.name))
    .sort((a, b) => Number(primary(a)) - Number(primary(b)))
  for (const region of order) {
    if (signal.aborted) break
    const startedAt = performance.now()
    try {
      await leave(before, region)
      await stopRemoved(before, region, change.removed[region.name] ?? [])
      const agent = await startAgent(after, region)
      agents.set(region.name, agent)
      const deadline = performance.now() + healthyMs
      const healthy = (samples: readonly Sample[]) =>
        samples.every(({ status }) => status?.world?.health[region.name] === 'healthy')
      const waiting = {
        agents: new Map([[region.name, agent]]),
        onSample: () => undefined,
        enough: (samples: readonly Sample[]) => healthy(samples) || performance.now() > deadline,
      }
      // What did not serve before may well be what the change is to mend: nothing is lost by going on.
      if (statuses.get(region.name)!.ready) await untilServing(after, [region], waiting)
    } catch (error) {
      const done = [...agents.keys()].filter((name) => name !== region.name)
      throw new NearsideError(
        error instanceof NearsideError ? error.code : 'roll_failed',
        `${messageOf(error)}\n${region.name} does not serve with the new topology; ${done.length > 0 ? `${list(done)} run with it, ` : ''}the others serve with the old one`,
        { remedy: 'change the topology back, or mend it, then run nearside up again', cause: error },
      )
    }
    note(`${region.name}: runs the new topology (${duration((performance.now() - startedAt) / 1000)})`)
  }
  return agents
}

async function leave(world: WorldHandle, region: Region): Promise<void> {
  const agent = agentProcess(world, region)
  await world.call(region, 'POST', '/v1/leave', {}, 30_000)
  if (agent) await endAgent(agent)
}

/** What the new plan does not have any more no agent would stop. */
async function stopRemoved(world: WorldHandle, region: Region, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  const { record, secrets, folder } = world
  const plan = compileRegion(record.topology, region.name, { secrets, folder, appFolder: record.appFolder })
  const place = world.regionFolder(region.name)
  const supervisor = new Supervisor({
    plan,
    launcher: launcher({ root: '', folder: place, files: plan.files }),
  })
  await supervisor.stop((process) => names.includes(process.name))
}
