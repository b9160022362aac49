import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { databaseDisk } from '../../lab/faults/disk.ts'
import type { Hands, Links } from '../../lab/faults/hands.ts'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import { identify, lookAt } from '../../lib/proc.ts'
import type { Region } from '../../topology/regions.ts'
import { agentProcess, endAgent, startAgent, workingAgent } from '../agents.ts'
import { killRegions } from '../kill.ts'
import { locked } from '../locked.ts'
import type { Output } from '../output.ts'
import { residentsOf } from '../residents.ts'
import { placeOf, stopWorld } from '../stop.ts'
import { regionNamed, regionStatus, type WorldHandle } from '../world.ts'

/** How faults lay hands on a world of this machine. */
export function handsOf(world: WorldHandle, output: Output, links: Links | undefined): Hands {
  const named = (name: string) => regionNamed(world, name)
  const start = (region: Region) =>
    locked(world.folder, 'fault', output, async () => {
      if (!(await workingAgent(world, region))) await startAgent(world, region)
    })
  return {
    folder: world.folder,
    regions: world.regions,
    links,
    regionFolder: world.regionFolder,
    residents: (regions) =>
      residentsOf(
        world.folder,
        regions.map((name) => placeOf(world, named(name))),
      ),
    async killRegion(name) {
      await killRegions(world, [named(name)])
    },
    async startRegion(name) {
      await start(named(name))
    },
    restartProcess: (name, process) => restartProcess(world, named(name), process, output),
    async restartRegion(name) {
      await locked(world.folder, 'fault', output, () => stopWorld(world, [named(name)]))
      await start(named(name))
    },
    postmaster(name) {
      const file = join(world.regionFolder(name), databaseDisk, 'main/postmaster.pid')
      try {
        const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
        return lookAt(pid)?.name === 'postgres' ? identify(pid) : undefined
      } catch {
        return undefined
      }
    },
    pauseReplay: (name, paused) => pauseReplay(world, named(name), paused),
  }
}

const restartMs = 120_000

async function restartProcess(
  world: WorldHandle,
  region: Region,
  name: string,
  output: Output,
): Promise<void> {
  if (name === 'agent') {
    await locked(world.folder, 'fault', output, async () => {
      const agent = agentProcess(world, region)
      await world.call(region, 'POST', '/v1/leave', {}, 10_000).catch(() => undefined)
      if (agent) await endAgent(agent)
      await startAgent(world, region)
    })
    return
  }
  await world.call(region, 'POST', '/v1/restart', { process: name }, restartMs)
  for (const deadline = Date.now() + restartMs; Date.now() < deadline; await sleep(100)) {
    const status = await regionStatus(world, region, 2000)
    if (status?.processes.find((one) => one.name === name)?.state === 'ready') return
  }
  throw new NearsideError('process_not_ready', `${region.name}/${name} was not ready again after 2 min`, {
    remedy: `nearside logs ${region.name} ${name}`,
  })
}

/** Asked of PostgreSQL itself, past HAProxy. Resuming where nothing replays is no error: it has been promoted. */
async function pauseReplay(world: WorldHandle, region: Region, paused: boolean): Promise<void> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    host: region.address,
    port: world.record.topology.ports.postgres,
    user: 'postgres',
    password: world.secrets.superuser,
    database: 'postgres',
    connectionTimeoutMillis: 5000,
    query_timeout: 5000,
  })
  try {
    await client.connect()
    const { rows } = await client.query<{ replica: boolean }>('SELECT pg_is_in_recovery() AS replica')
    if (!rows[0]?.replica) {
      if (!paused) return
      throw new NearsideError('fault_primary', `${region.name} holds the primary, which replays nothing`)
    }
    await client.query(paused ? 'SELECT pg_wal_replay_pause()' : 'SELECT pg_wal_replay_resume()')
  } catch (cause) {
    if (cause instanceof NearsideError) throw cause
    throw new NearsideError(
      'fault_database_silent',
      `${region.name}: its database cannot be asked: ${messageOf(cause)}`,
      { remedy: `nearside logs ${region.name} postgres`, cause },
    )
  } finally {
    await client.end().catch(() => undefined)
  }
}
