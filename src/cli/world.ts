import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { readWorld, regionFolder, type WorldRecord, worldFile } from '../agent/layout.ts'
import { secretsOf } from '../agent/secrets.ts'
import type { RegionStatus } from '../agent/status.ts'
import { NearsideError } from '../lib/errors.ts'
import { suggest } from '../lib/suggest.ts'
import { type Region, regionsOf } from '../topology/regions.ts'
import type { Secrets } from '../topology/secrets.ts'
import { askAgent } from './client.ts'

/** What every command that is about a world takes. */
export type WorldOptions = { topology?: string; world?: string }

/** A world on this machine and how to talk to its agents. */
export type WorldHandle = {
  name: string
  folder: string
  record: WorldRecord
  secrets: Secrets
  regions: readonly Region[]
  regionFolder: (region: string) => string
  /** Resolves to the answer's body; rejects with the agent's own error, or with `agent_unreachable`. */
  call: <T>(
    region: Region,
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    timeoutMs?: number,
  ) => Promise<T>
}

export async function openWorld(folder: string): Promise<WorldHandle> {
  return handleOf(folder, await readWorld(folder), await secretsOf(folder))
}

export function handleOf(folder: string, record: WorldRecord, secrets: Secrets): WorldHandle {
  const { topology } = record
  return {
    name: topology.name,
    folder,
    record,
    secrets,
    regions: regionsOf(topology),
    regionFolder: (region) => regionFolder(folder, region),
    call: (region, method, path, body, timeoutMs = 5000) =>
      askAgent({
        host: region.address,
        port: topology.ports.agent,
        token: secrets.api,
        method,
        path,
        body,
        timeoutMs,
      }),
  }
}

/** The world that the options mean. */
export const worldOf = (options: WorldOptions, cwd = process.cwd()): Promise<WorldHandle> =>
  openWorld(findWorld(options, cwd))

/**
 * Finds a world without evaluating its topology file, which may be gone or broken by now: the one made from
 * `--topology`, or the only one in the folder.
 */
export function findWorld({ topology, world }: WorldOptions, cwd: string): string {
  const start = canonical(resolve(cwd, topology ?? '.'))
  const isFolder = statSync(start, { throwIfNoEntry: false })?.isDirectory() ?? false
  const below = join(isFolder ? start : dirname(start), '.nearside')
  const names = existsSync(below)
    ? readdirSync(below).filter((name) => existsSync(worldFile(join(below, name))))
    : []
  const made = isFolder ? names : names.filter((name) => madeFrom(join(below, name)) === start)
  const found = world === undefined ? made : made.filter((name) => name === world)
  if (found.length === 1) return join(below, found[0]!)
  if (found.length > 1)
    throw new NearsideError('world_ambiguous', `${below}: expected one world, found ${found.join(', ')}`, {
      remedy: `say which one: ${found.map((name) => `--world ${name}`).join(' or ')}`,
    })
  if (world !== undefined && made.length > 0)
    throw new NearsideError('usage_world_unknown', `world: expected ${either(made)}, got ${world}`)
  if (!isFolder && names.length > 0)
    throw new NearsideError('world_not_found', `${start}: no world was made from this file`, {
      remedy: `${below} has ${names.map((name) => `${name}, made from ${basename(madeFrom(join(below, name)) ?? '?')}`).join('; ')}`,
    })
  throw new NearsideError('world_not_found', `${below}: expected a world, found none`, {
    remedy: 'run `nearside up` first, or name the topology file with --topology FILE',
  })
}

/** A path without symbolic links, also when its last part does not exist. */
export function canonical(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(canonical(parent), basename(path))
  }
}

function madeFrom(folder: string): string | undefined {
  try {
    return canonical((JSON.parse(readFileSync(worldFile(folder), 'utf8')) as WorldRecord).topologyFile)
  } catch {
    return undefined
  }
}

export const regionStatus = (world: WorldHandle, region: Region, timeoutMs: number) =>
  world.call<RegionStatus>(region, 'GET', '/v1/status', undefined, timeoutMs).catch(() => undefined)

/** The region that a command names, or an error that lists what there is. */
export function regionNamed(world: Pick<WorldHandle, 'regions'>, name: string): Region {
  const names = world.regions.map((region) => region.name)
  const found = world.regions.find((region) => region.name === name)
  return found ?? unknown('region', name, names)
}

/** A name that was given wrongly: says what there is and what was probably meant. */
export function unknown(what: string, name: string, known: readonly string[]): never {
  const meant = suggest(name, known)
  throw new NearsideError(
    `usage_${what}_unknown`,
    `${what}: expected ${either(known)}, got ${JSON.stringify(name)}`,
    {
      ...(meant === undefined ? {} : { remedy: `did you mean ${meant}?` }),
    },
  )
}

const either = (names: readonly string[]) =>
  names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`

/** True for an address that a process on this machine can listen on. */
export function isLocal(address: string): boolean {
  if (address.startsWith('127.')) return true
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address))
}

export const localRegions = (world: Pick<WorldHandle, 'regions'>) =>
  world.regions.filter((region) => isLocal(region.address))
