import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { RegionStatus } from '../agent/http/status.ts'
import { type LabRecord, type WorldRecord, worldFile, worldFolderFor, writeWorld } from '../agent/layout.ts'
import { secretsOf } from '../agent/secrets.ts'
import { compile } from '../compile.ts'
import { NearsideError } from '../lib/errors.ts'
import { makeFolder } from '../lib/files.ts'
import { list } from '../lib/format.ts'
import type { Note } from '../lib/note.ts'
import type { LoadedTopology } from '../topology/load.ts'
import type { Region } from '../topology/regions.ts'
import { revision } from '../topology/revision.ts'
import { type StartedAgent, startAgent, workingAgent } from './agents.ts'
import { type Change, changeBetween } from './changes.ts'
import { canonical } from './find.ts'
import { handleOf, openWorld, regionNamed, type WorldHandle } from './handle.ts'
import { localRegions } from './here.ts'
import { movedError, movedWorlds } from './moved.ts'
import { preflight } from './preflight.ts'
import { processesOf } from './processes.ts'
import { retryFailed } from './retry-failed.ts'
import { roll } from './roll.ts'
import { placeOf } from './stop.ts'
import { parametersAccepted, planAccepted } from './trial.ts'

export type Started = { world: WorldHandle; regions: Region[]; agents: Map<string, StartedAgent> }

/** Where the world of a topology lies. */
export const folderOf = ({ file, topology }: LoadedTopology) => worldFolderFor(canonical(file), topology.name)

type Wanted = {
  loaded: LoadedTopology
  /** One region only, on a host of its own. */
  only?: string | undefined
  /** It is to live in this lab, whose network is there and this process in its router. */
  lab?: LabRecord
}

type Preparation = {
  note: Note
  /** No further region is given a changed topology once it is aborted. */
  signal: AbortSignal
  /** Ends faults that a rehearsal has left in the world that is there. */
  healLeft: (world: WorldHandle) => Promise<unknown>
}

/**
 * Makes the world's record and starts the agents that are missing, after looking at everything that could fail. To be
 * called under the world's lock. A world of which something runs keeps its record, unless its topology has changed.
 */
export async function prepare(
  { loaded, only, lab }: Wanted,
  { note, signal, healLeft }: Preparation,
): Promise<Started> {
  const folder = folderOf(loaded)
  refuseMoved(folder)
  makeFolder(folder, 0o700)
  const secrets = await secretsOf(folder)
  const wanted: WorldRecord = {
    topology: loaded.topology,
    revision: revision(loaded.topology),
    topologyFile: canonical(loaded.file),
    appFolder: loaded.appFolder,
    run: randomBytes(6).toString('hex'),
    ...(lab ? { lab } : {}),
  }
  const existing = await openWorld(folder).catch(() => undefined)
  if (existing && (existing.record.lab === undefined) !== (lab === undefined)) throw otherKind(existing)
  if (existing) await healLeft(existing)
  const statuses = existing ? await statusesOf(existing) : new Map<string, RegionStatus>()
  const running =
    existing !== undefined &&
    (statuses.size > 0 ||
      processesOf(
        folder,
        existing.regions.map((one) => placeOf(existing, one)),
      ).length > 0)
  const changed = running && existing.record.revision !== wanted.revision
  const change = changed ? await changeOf(existing, wanted) : undefined
  if (change?.kind === 'refused') throw refusal(loaded.file, change, lab ? 'nearside lab' : 'nearside')
  if (!running || changed) await parametersAccepted(folder, wanted)
  if (changed) await planAccepted(folder, wanted, secrets)
  // The release command has run for this run of the world; what is adopted must not make it run again.
  const record = running ? { ...wanted, run: existing.record.run } : wanted
  if (running && !changed) record.revision = existing.record.revision

  const world = handleOf(folder, record, secrets)
  const regions = chosen(world, only)
  const missing = regions.filter((region) => !statuses.has(region.name))
  await preflight(world, missing)
  if (!running || changed || !isDeepStrictEqual(existing.record.lab, lab)) await writeWorld(folder, record)

  const agents = new Map<string, StartedAgent>()
  if (change) {
    note(`The topology has changed (${change.paths.join(', ')}): ${rollWords(change)}`)
    for (const [name, agent] of await roll(existing!, world, change, statuses, { note, signal }))
      agents.set(name, agent)
  }
  await retryFailed(world, statuses)
  if (missing.length > 0) note(startWords(world, missing, running, existing !== undefined))
  for (const region of missing)
    if (!agents.has(region.name)) agents.set(region.name, await startAgent(world, region))
  return { world, regions, agents }
}

/** What runs without its folder has all the ports, and secrets and data that a new world would not have. */
function refuseMoved(folder: string): void {
  if (existsSync(worldFile(folder))) return
  const moved = movedWorlds(dirname(folder)).find((one) => one.folder === folder)
  if (moved) throw movedError(moved)
}

async function statusesOf(world: WorldHandle): Promise<Map<string, RegionStatus>> {
  const all = await Promise.all(world.regions.map((region) => workingAgent(world, region)))
  return new Map(all.flatMap((status) => (status ? [[status.region, status] as const] : [])))
}

async function changeOf(existing: WorldHandle, wanted: WorldRecord): Promise<Change> {
  const revisionOf = ({ topology, appFolder }: WorldRecord) => ({
    topology,
    plan: compile(topology, { secrets: existing.secrets, folder: existing.folder, appFolder }),
  })
  return changeBetween(revisionOf(existing.record), revisionOf(wanted))
}

/** Two topologies of one folder whose worlds would share a folder: one called shop-lab, and the lab of shop. */
function otherKind({ name, folder, record }: WorldHandle): NearsideError {
  const is = record.lab ? 'a lab' : 'a world of this machine'
  return new NearsideError('world_is_other', `${folder}: ${name} exists, and is ${is}`, {
    remedy: 'give one of the topologies another name',
  })
}

function refusal(
  file: string,
  { paths, why }: Extract<Change, { kind: 'refused' }>,
  command: string,
): NearsideError {
  return new NearsideError(
    'world_differs',
    `${file}: has changed since this world was started (${paths.join(', ')}), and ${why} while it runs`,
    { remedy: `${command} down, then ${command} up; or change it back` },
  )
}

function chosen(world: WorldHandle, only: string | undefined): Region[] {
  const here = localRegions(world)
  if (only === undefined) {
    if (here.length > 0) return here
    throw new NearsideError(
      'no_local_region',
      `${world.name}: none of its regions has an address of this machine`,
      {
        remedy: 'run nearside up on the hosts of the regions',
      },
    )
  }
  const region = regionNamed(world, only)
  if (!here.includes(region))
    throw new NearsideError(
      'region_elsewhere',
      `${only}: ${region.address} is not an address of this machine`,
      {
        remedy: 'run nearside up on that host',
      },
    )
  return [region]
}

function startWords(
  world: WorldHandle,
  missing: readonly Region[],
  running: boolean,
  known: boolean,
): string {
  const names = list(missing.map((region) => region.name))
  if (running) return `Starting what is missing of ${world.name}: ${names}`
  return `Starting ${known ? '' : 'the new world '}${world.name}: ${names}${known ? '' : `, in ${world.folder}`}`
}

function rollWords({ restarts, reloads }: Extract<Change, { kind: 'live' }>): string {
  const said = (verb: string, by: Record<string, string[]>) => {
    const some = Object.entries(by).filter(([, names]) => names.length > 0)
    const what = some.map(([region, names]) => `${list(names)} in ${region}`).join('; ')
    return some.length === 0 ? [] : [`${verb} ${what}`]
  }
  const all = [...said('restarts', restarts), ...said('reloads', reloads)]
  if (all.length === 0) return 'nothing has to be restarted for it, only the agents'
  return `one region after another ${all.join(', and ')}`
}
