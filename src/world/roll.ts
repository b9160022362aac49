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
import { recordEvent } from './events.ts'
import type { WorldHandle } from './handle.ts'
import { localRegions } from './here.ts'
import { type Sample, untilServing } from './start.ts'

type RollOutState = 'started' | 'interrupted' | 'failed' | 'finished'

/** Users return to a region only after a majority has seen it healthy for a while. The next region waits this long. */
const healthyMs = 30_000

/**
 * Rolls a new plan out to a running world, one region after another, the primary's last. A region's agent exits and
 * leaves its engines running; the next agent adopts the unchanged ones, reloads those that can reload, and restarts the
 * rest. The other regions serve meanwhile. Stops at the first region that does not come back, so that a bad change
 * costs one region and not the world.
 */
export async function roll(
  before: WorldHandle,
  after: WorldHandle,
  change: Extract<Change, { kind: 'live' }>,
  statuses: ReadonlyMap<string, RegionStatus>,
  { note, signal }: { note: Note /** Once aborted, no further region is rolled. */; signal: AbortSignal },
): Promise<Map<string, StartedAgent>> {
  const agents = new Map<string, StartedAgent>()
  const primary = (region: Region) => statuses.get(region.name)?.database?.role === 'primary'
  const order = localRegions(after)
    .filter((region) => statuses.has(region.name))
    .sort((a, b) => Number(primary(a)) - Number(primary(b)))
  const record = (region: Region, state: RollOutState, more: object = {}) =>
    recordEvent(after, {
      kind: 'rollOut',
      region: region.name,
      detail: { state, paths: change.paths, done: [...agents.keys()], ...more },
    })
  if (order[0]) await record(order[0], 'started')
  for (const region of order) {
    if (signal.aborted) {
      await record(region, 'interrupted')
      return agents
    }
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
      // A region that did not serve before may be what the change fixes, so continuing costs nothing.
      if (statuses.get(region.name)!.ready) await untilServing(after, [region], waiting)
    } catch (error) {
      const done = [...agents.keys()].filter((name) => name !== region.name)
      const code = error instanceof NearsideError ? error.code : 'roll_failed'
      // Not the message: it may end with lines of the app's log.
      await record(region, 'failed', { done, why: code })
      throw new NearsideError(
        code,
        `${messageOf(error)}\n${region.name} does not serve with the new topology; ${done.length > 0 ? `${list(done)} ${done.length === 1 ? 'runs' : 'run'} with it, ` : ''}the other regions serve with the old one`,
        { remedy: 'revert or fix the topology, then run `nearside up` again', cause: error },
      )
    }
    note(`${region.name}: now runs the new topology (${duration((performance.now() - startedAt) / 1000)})`)
  }
  const last = order.at(-1)
  if (last) await record(last, 'finished')
  return agents
}

async function leave(world: WorldHandle, region: Region): Promise<void> {
  const agent = agentProcess(world, region)
  await world.call(region, 'POST', '/v1/leave', {}, 30_000)
  if (agent) await endAgent(agent)
}

/** No agent would stop processes that the new plan no longer has. */
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
