import { setTimeout as sleep } from 'node:timers/promises'
import type { DatabaseState } from '../../agent/database/monitor.ts'
import { ownPaths } from '../../engines/haproxy/layout.ts'
import { callHttp, HttpError, parseJson, responseStatus } from '../../lib/http.ts'
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
  const serving = await edge
  const shown = serving === undefined ? {} : { edge: serving }
  const silent = serving === 'unknown' ? { edge: edgeMs } : {}
  if (status)
    return {
      ...{ ...status, ...shown, source: 'agent', agentState: 'answers' },
      ...(serving === 'unknown' ? { silentMs: silent } : {}),
    }
  const { name, role, address } = region
  const { silentMs, ...found } = await direct!
  return {
    ...{ region: name, role, address, source: 'engines', agent: null, ...shown, ...found },
    silentMs: { agent: agentMs, ...silent, ...silentMs },
  }
}

async function edgeOf(region: Region, port: number, timeoutMs: number): Promise<Edge> {
  try {
    const question = { host: region.address, port, path: ownPaths.serving, timeoutMs }
    return (await responseStatus(question)) === 200 ? 'serving' : 'no app'
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    return error.code === 'http_timeout' ? 'unknown' : 'unreachable'
  }
}

async function withoutAgent(
  world: WorldHandle,
  region: Region,
  engineMs: number,
): Promise<Pick<RegionReport, 'agentState' | 'processes' | 'database' | 'silentMs'>> {
  const patroni = region.full ? patroniOf(region, world.record.topology.ports.patroni, engineMs) : undefined
  const hangs = agentProcess(world, region) !== undefined
  const processes = processesFromRecords(world.regionFolder(region.name))
  const answer = await patroni
  const isSilent = answer === 'silent'
  const database: DatabaseState = isSilent
    ? { role: 'unknown', state: `Patroni did not answer within ${engineMs} ms` }
    : databaseFrom(answer)
  return {
    agentState: hangs ? 'hangs' : isHere(world, region) ? 'gone' : 'elsewhere',
    processes,
    ...(region.full ? { database } : {}),
    ...(isSilent ? { silentMs: { patroni: engineMs } } : {}),
  }
}

/** `silent`: no answer in time. Undefined if there is none to wait for. */
async function patroniOf(
  { address: host }: Region,
  port: number,
  timeoutMs: number,
): Promise<PatroniStatus | 'silent' | undefined> {
  try {
    return parseJson<PatroniStatus>((await callHttp({ host, port, path: '/patroni', timeoutMs })).body)
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    return error.code === 'http_timeout' ? 'silent' : undefined
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
