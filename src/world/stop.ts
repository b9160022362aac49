import { setTimeout as sleep } from 'node:timers/promises'
import { secretsOf } from '../agent/secrets.ts'
import { launcher } from '../agent/supervision/launch.ts'
import { type Stage, stages, stopsBy } from '../agent/supervision/shutdown-order.ts'
import { Supervisor } from '../agent/supervision/supervisor.ts'
import { compileRegion } from '../compile.ts'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { httpStatus } from '../lib/http.ts'
import { printable } from '../lib/printable.ts'
import { isAlive, signal } from '../lib/proc.ts'
import type { Region } from '../topology/regions.ts'
import { regionStatus, type WorldHandle } from './handle.ts'
import { processesOf, type WorldProcess } from './processes.ts'

type StopReport = {
  /** Called at the start of each stage. */
  onStage?: (stage: Stage | 'rest') => void
  /** A region that has to be stopped without its agent, and why. */
  onOrphan?: (region: string) => void
}

const endingMs = 3000
/** Grace period for processes that no stage stops. */
const restMs = 15_000
/** Added to the plan's limit for its slowest process. */
const slackMs = 30_000

/**
 * Stops these regions and verifies that no process remains. All regions finish a stage before the next one starts, so
 * that no write is lost between a primary and its standby. Without an answering agent, a region goes through the same
 * stages by its records and plan. Returns the processes that no record named and that were stopped at the end.
 */
export async function stopWorld(
  world: WorldHandle,
  regions: readonly Region[],
  { onStage, onOrphan }: StopReport = {},
): Promise<WorldProcess[]> {
  const stoppers = await Promise.all(
    regions.map(async (region): Promise<Stopper> => {
      if (await regionStatus(world, region, 2000)) return byAgent(world, region)
      const left = processesOf(world.folder, [placeOf(world, region)])
      // A hung agent would restart what is stopped.
      for (const one of left) if (one.name === 'agent' && one.main) signal(one, 'SIGKILL')
      if (left.length > 0) onOrphan?.(region.name)
      return withoutAgent(world, region)
    }),
  )
  for (const stage of stages) {
    onStage?.(stage)
    if (stage === 'all') for (const stop of stoppers) await stop(stage)
    else await Promise.all(stoppers.map((stop) => stop(stage)))
  }
  const left = () =>
    processesOf(
      world.folder,
      regions.map((region) => placeOf(world, region)),
    )
  // An agent answers before it exits, and a sandbox's monitor exits after the process it monitors.
  for (let waited = 0; left().length > 0 && waited < endingMs; waited += 50) await sleep(50)
  const rest = left()
  if (rest.length > 0) onStage?.('rest')
  await endRest(rest)
  const survivors = left()
  if (survivors.length > 0)
    throw new NearsideError('stop_incomplete', `still running: ${survivors.map(nameOf).join(', ')}`, {
      remedy: `find out what blocks them, then run kill -9 ${survivors.map((one) => one.pid).join(' ')}`,
    })
  return rest
}

type Stopper = (stage: Stage) => Promise<void>

export const placeOf = (world: Pick<WorldHandle, 'regionFolder'>, region: Region) => ({
  name: region.name,
  folder: world.regionFolder(region.name),
})

function byAgent(world: WorldHandle, region: Region): Stopper {
  const direct = withoutAgent(world, region)
  const { stopSeconds } = world.record.topology.app
  const limitMs = Math.max(60_000, stopSeconds * 1000) + slackMs
  return async (stage) => {
    try {
      await world.call(region, 'POST', '/v1/stop', { stage }, limitMs)
    } catch (error) {
      // The agent was killed meanwhile or is broken: continue without it.
      if (!(error instanceof NearsideError)) throw error
      for (const one of processesOf(world.folder, [placeOf(world, region)]))
        if (one.name === 'agent' && one.main) signal(one, 'SIGKILL')
      await direct(stage)
    }
  }
}

/** Uses a fresh supervisor, never started, to stop the processes in an earlier one's records in the same order. */
function withoutAgent(world: WorldHandle, region: Region): Stopper {
  const { topology, appFolder } = world.record
  let supervisor: Supervisor | undefined
  const make = async () => {
    const secrets = await secretsOf(world.folder)
    const plan = compileRegion(topology, region.name, { secrets, folder: world.folder, appFolder })
    const folder = world.regionFolder(region.name)
    return new Supervisor({ plan, launcher: launcher({ root: '', folder, files: plan.files }) })
  }
  return async (stage) => {
    try {
      supervisor ??= await make()
      const primary = region.full && (await leads(world, region))
      await supervisor.stop((process) => stopsBy(stage, process, primary))
    } catch (error) {
      // A world made by another version may no longer compile. The final sweep stops its processes.
      if (process.env.NEARSIDE_DEBUG) process.stderr.write(`${region.name}: ${printable(messageOf(error))}\n`)
    }
  }
}

const leads = async (world: WorldHandle, region: Region) =>
  (await httpStatus({
    host: region.address,
    port: world.record.topology.ports.patroni,
    path: '/primary',
    timeoutMs: 1000,
  })) === 200

/** Processes without a record: a postmaster whose Patroni was killed, a helper that an app left behind. */
async function endRest(rest: readonly WorldProcess[]): Promise<void> {
  // SIGTERM makes PostgreSQL wait for its clients to disconnect; SIGINT is the fast shutdown.
  for (const one of rest) signal(one, one.program === 'postgres' ? 'SIGINT' : 'SIGTERM')
  const deadline = performance.now() + restMs
  while (rest.some(isAlive) && performance.now() < deadline) await sleep(20)
  for (const one of rest) signal(one, 'SIGKILL')
  for (let waited = 0; rest.some(isAlive) && waited < 5000; waited += 20) await sleep(20)
}

const nameOf = (one: WorldProcess) => `${one.region}/${one.name} (${one.program}, process ${one.pid})`
