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
import type { Topology } from '../topology/schema.ts'
import { type StartedAgent, startAgent, workingAgent } from './agents.ts'
import { type Change, changeOf } from './changes.ts'
import { canonical } from './find.ts'
import { type DraftWorld, draftOf, handleOf, openWorld, regionNamed, type WorldHandle } from './handle.ts'
import { localRegions } from './here.ts'
import { movedError, movedWorlds } from './moved.ts'
import { preflight } from './preflight.ts'
import { processesOf } from './processes.ts'
import { retryFailed } from './retry-failed.ts'
import { roll } from './roll.ts'
import { rollWords } from './roll-words.ts'
import { placeOf } from './stop.ts'
import { parametersAccepted, planAccepted } from './trial.ts'

export type Started = { world: WorldHandle; regions: Region[]; agents: Map<string, StartedAgent> }

/** The folder of a topology's world. */
export const folderOf = ({ file, topology }: LoadedTopology) => worldFolderFor(canonical(file), topology.name)

type Wanted = {
  loaded: LoadedTopology
  /** Only this region, on a separate host. */
  only?: string | undefined
  /** The lab that the world runs in. Its network exists, and this process is in its router. */
  lab?: LabRecord
}

type Preparation = {
  note: Note
  /** Once aborted, no further region gets a changed topology. */
  signal: AbortSignal
  /** Heals faults that a rehearsal has left in the existing world. */
  healLeft: (world: WorldHandle) => Promise<unknown>
}

/**
 * Writes the world's record and starts the missing agents, after checking for everything that could fail. Call it under
 * the world lock. While any part of a world runs, it keeps its record unless the topology has changed.
 */
export async function prepare(
  { loaded, only, lab }: Wanted,
  { note, signal, healLeft }: Preparation,
): Promise<Started> {
  const folder = folderOf(loaded)
  refuseMoved(folder)
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
  const change = changed ? changeTo(existing, wanted) : undefined
  if (change?.kind === 'refused') throw refusal(loaded.file, change, lab ? 'nearside lab' : 'nearside')
  if (!running || changed) await parametersAccepted(loaded.folder, wanted)
  if (changed) await planAccepted(folder, wanted, existing.secrets)
  // Adopted regions must not run the release command again: it has run for this run of the world.
  const record = running ? { ...wanted, run: existing.record.run } : wanted
  if (running && !changed) record.revision = existing.record.revision

  const draft = draftOf(folder, record)
  const regions = chosen(draft, only)
  const missing = regions.filter((region) => !statuses.has(region.name))
  await preflight(draft, missing)
  // Everything that could be checked has been checked: a start that is refused leaves nothing behind. The record comes
  // before the secrets, because only a folder with a record can be found and removed.
  makeFolder(folder, 0o700)
  if (!running || changed || !isDeepStrictEqual(existing.record.lab, lab)) await writeWorld(folder, record)
  const world = handleOf(folder, record, await secretsOf(folder))

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

/** A world that runs without its folder occupies all ports, and has secrets and data that a new world would lack. */
function refuseMoved(folder: string): void {
  if (existsSync(worldFile(folder))) return
  const moved = movedWorlds(dirname(folder)).find((one) => one.folder === folder)
  if (moved) throw movedError(moved)
}

async function statusesOf(world: WorldHandle): Promise<Map<string, RegionStatus>> {
  const all = await Promise.all(world.regions.map((region) => workingAgent(world, region)))
  return new Map(all.flatMap((status) => (status ? [[status.region, status] as const] : [])))
}

function changeTo(existing: WorldHandle, wanted: WorldRecord): Change {
  const { secrets, folder, record } = existing
  const planOf = (topology: Topology, { appFolder }: WorldRecord) =>
    compile(topology, { secrets, folder, appFolder })
  const revisionOf = (one: WorldRecord) => ({ topology: one.topology, plan: planOf(one.topology, one) })
  return changeOf(revisionOf(record), revisionOf(wanted), (topology) =>
    planOf(topology, topology.app.folder === record.topology.app.folder ? record : wanted),
  )
}

/** Two topologies whose worlds would share a folder: one named shop-lab, and the lab of shop. */
function otherKind({ name, folder, record }: WorldHandle): NearsideError {
  const is = record.lab ? 'a lab' : 'a plain world'
  return new NearsideError('world_is_other', `${folder}: ${name} already exists as ${is}`, {
    remedy: 'rename one of the topologies',
  })
}

function refusal(
  file: string,
  { paths, fixed, why }: Extract<Change, { kind: 'refused' }>,
  command: string,
): NearsideError {
  const free = paths.filter((path) => !fixed.includes(path))
  const restart = `run \`${command} down\`, then \`${command} up\``
  return new NearsideError(
    'world_differs',
    `${file}: changed since the world was started (${paths.join(', ')}), but ${why} while it runs`,
    free.length === 0
      ? { remedy: `${restart}; or revert the change` }
      : {
          remedy: `${restart}; or revert what needs that, and the rest is applied to the running world`,
          details: [
            `needs a stopped world: ${fixed.join(', ')}`,
            `can change while it runs: ${free.join(', ')}`,
          ],
        },
  )
}

function chosen(world: DraftWorld, only: string | undefined): Region[] {
  const here = localRegions(world)
  if (only === undefined) {
    if (here.length > 0) return here
    throw new NearsideError('no_local_region', `${world.name}: no region has an address of this machine`, {
      remedy: 'run `nearside up` on the hosts of the regions',
    })
  }
  const known = world.regions.find((one) => one.name === only)
  const region = known ?? regionNamed(world, only, here.length > 0 ? here : world.regions)
  if (!here.includes(region))
    throw new NearsideError(
      'region_elsewhere',
      `${only}: ${region.address} is not an address of this machine`,
      {
        remedy: 'run `nearside up` on that host',
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
  if (running) return `Starting missing regions of ${world.name}: ${names}`
  return `Starting ${known ? '' : 'the new world '}${world.name}: ${names}${known ? '' : `, in ${world.folder}`}`
}
