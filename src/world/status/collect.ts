import { setTimeout as sleep } from 'node:timers/promises'
import type { DatabaseState } from '../../agent/database/monitor.ts'
import { ownPaths } from '../../engines/haproxy/layout.ts'
import { getJson, httpStatus } from '../../lib/http.ts'
import { isAlive, uptimeSeconds } from '../../lib/proc.ts'
import type { Region } from '../../topology/regions.ts'
import { agentProcess } from '../agents.ts'
import { typed } from '../find.ts'
import { regionStatus, type WorldHandle } from '../handle.ts'
import { isHere } from '../here.ts'
import { isBeingStopped } from '../lock.ts'
import { recordsOf } from '../processes.ts'
import { combine } from './combine.ts'
import type { Edge, RegionReport, ShownProcess, WorldStatus } from './types.ts'

/**
 * The complete answer is due within half a second even if agents hang. A local agent gets 200 ms; if it has not
 * answered after a third of that, its engines are asked in parallel. Remote regions get more time.
 */
const timeouts = {
  here: { agentMs: 200, edgeMs: 300, lateMs: 60, engineMs: 150 },
  away: { agentMs: 1500, edgeMs: 1500, lateMs: 500, engineMs: 900 },
}

export async function worldStatus(world: WorldHandle): Promise<WorldStatus> {
  const { topology } = world.record
  const regions = await Promise.all(world.regions.map((region) => reportOn(world, region)))
  const status = combine({
    world: topology.name,
    domain: topology.domain,
    durabilityAsked: topology.database.durability,
    at: Date.now(),
    ...(isBeingStopped(world.folder) ? { stopping: true as const } : {}),
    regions,
  })
  const problems = status.problems.map((one) =>
    one.remedy === undefined ? one : { ...one, remedy: typed(world, one.remedy) },
  )
  return { ...status, ...(world.record.lab ? { lab: world.record.lab.id } : {}), problems }
}

async function reportOn(world: WorldHandle, region: Region): Promise<RegionReport> {
  const { ports } = world.record.topology
  const { agentMs, edgeMs, lateMs, engineMs } = timeouts[isHere(world, region) ? 'here' : 'away']
  const asked = regionStatus(world, region, agentMs)
  const edge = region.serves ? edgeOf(region, ports.health, edgeMs) : undefined
  const early = await Promise.race([asked, sleep(lateMs, 'late' as const)])
  const direct = early === undefined || early === 'late' ? withoutAgent(world, region, engineMs) : undefined
  const status = await asked
  const shown = edge === undefined ? {} : { edge: await edge }
  if (status) return { ...status, ...shown, source: 'agent', agentState: 'answers' }
  const { name, role, address } = region
  return { region: name, role, address, source: 'engines', agent: null, ...shown, ...(await direct!) }
}

async function edgeOf(region: Region, port: number, timeoutMs: number): Promise<Edge> {
  const status = await httpStatus({ host: region.address, port, path: ownPaths.serving, timeoutMs })
  if (status === undefined) return 'unreachable'
  return status === 200 ? 'serving' : 'no app'
}

async function withoutAgent(
  world: WorldHandle,
  region: Region,
  engineMs: number,
): Promise<Pick<RegionReport, 'agentState' | 'processes' | 'database'>> {
  const patroni = region.full
    ? getJson<PatroniStatus>({
        host: region.address,
        port: world.record.topology.ports.patroni,
        path: '/patroni',
        timeoutMs: engineMs,
      })
    : undefined
  const hangs = agentProcess(world, region) !== undefined
  const processes = processesFromRecords(world.regionFolder(region.name))
  const database = databaseFrom(await patroni)
  return {
    agentState: hangs ? 'hangs' : isHere(world, region) ? 'gone' : 'elsewhere',
    processes,
    ...(region.full ? { database } : {}),
  }
}

function processesFromRecords(folder: string): ShownProcess[] {
  return [...recordsOf(folder)].map(([name, id]) =>
    isAlive(id)
      ? { name, state: 'running', pid: id.pid, uptimeSeconds: uptimeSeconds(id) }
      : { name, state: 'gone' },
  )
}

type PatroniStatus = {
  state?: string
  role?: string
  timeline?: number
  sync_standby?: boolean
  replication?: { application_name: string; state: string; sync_state: string }[]
}

/** From Patroni's own status, which has no lag. */
function databaseFrom(patroni: PatroniStatus | undefined): DatabaseState {
  if (!patroni?.role) return { role: 'unknown', state: 'Patroni does not answer' }
  const primary = patroni.role === 'primary' || patroni.role === 'master'
  const base = { state: patroni.state, timeline: patroni.timeline }
  if (!primary) return { role: 'replica', ...base, recorded: patroni.sync_standby === true }
  const standbys = (patroni.replication ?? [])
    .filter((one) => one.state === 'streaming')
    .map((one) => ({
      region: one.application_name,
      synchronous: one.sync_state === 'sync' || one.sync_state === 'quorum',
    }))
  return { role: 'primary', ...base, standbys: standbys as DatabaseState['standbys'] }
}
