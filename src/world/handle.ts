import type { RegionStatus } from '../agent/http/status.ts'
import { readWorld, regionFolder, type WorldRecord } from '../agent/layout.ts'
import { secretsOf } from '../agent/secrets.ts'
import { unknown } from '../lib/did-you-mean.ts'
import { type Region, regionsOf } from '../topology/regions.ts'
import type { Secrets } from '../topology/secrets.ts'
import { askAgent } from './client.ts'

/** A world on this machine and how to talk to its agents. */
export type WorldHandle = {
  name: string
  folder: string
  record: WorldRecord
  secrets: Secrets
  regions: readonly Region[]
  regionFolder: (region: string) => string
  /** Resolves to the body of the answer; rejects with the agent's error, or with `agent_unreachable`. */
  call: <T>(
    region: Region,
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    timeoutMs?: number,
  ) => Promise<T>
}

/** Opens the world in a folder. The regions of a lab can be reached only from inside its network. */
export async function openWorld(folder: string): Promise<WorldHandle> {
  return handleOf(folder, await readWorld(folder), await secretsOf(folder))
}

/** A world that may not exist yet: no file of it has been written. */
export type DraftWorld = Omit<WorldHandle, 'secrets' | 'call'>

export function draftOf(folder: string, record: WorldRecord): DraftWorld {
  const { topology } = record
  return {
    name: topology.name,
    folder,
    record,
    regions: regionsOf(topology),
    regionFolder: (region) => regionFolder(folder, region),
  }
}

export function handleOf(folder: string, record: WorldRecord, secrets: Secrets): WorldHandle {
  const { topology } = record
  return {
    ...draftOf(folder, record),
    secrets,
    call: (region, method, path, body, timeoutMs = 5000) =>
      askAgent({
        host: region.address,
        port: topology.ports.agent,
        token: secrets.api,
        method,
        path,
        body,
        timeoutMs,
        starter: record.lab ? 'nearside lab up' : 'nearside up',
      }),
  }
}

/**
 * The region with that name, or an error that lists the names that the command accepts. `accepted` is not empty.
 */
export function regionNamed(
  world: Pick<WorldHandle, 'regions'>,
  name: string,
  accepted: readonly Region[] = world.regions,
  /** The argument or option, for the error. */
  what = 'region',
): Region {
  const found = accepted.find((region) => region.name === name)
  if (found) return found
  const other = world.regions.find((region) => region.name === name)
  return unknown(
    'region',
    name,
    accepted.map((region) => region.name),
    { what, ...(other ? { remedy: `${name} is a region with role "${other.role}"` } : {}) },
  )
}

/** The agent's status of its region; undefined when it does not answer in time. */
export const regionStatus = (world: WorldHandle, region: Region, timeoutMs: number) =>
  world.call<RegionStatus>(region, 'GET', '/v1/status', undefined, timeoutMs).catch(() => undefined)
