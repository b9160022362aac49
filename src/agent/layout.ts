import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { NearsideError } from '../lib/errors.ts'
import { writeAside } from '../lib/files.ts'
import type { Topology } from '../topology/schema.ts'

/**
 * Where a world keeps its things: `.nearside/<world>/` beside the topology file.
 *
 *     world.json            what the agents run: the checked topology and where the app is
 *     secrets.json          0600
 *     regions/<region>/     etc (rendered), data, log, run (sockets, process records)
 */

export type WorldRecord = {
  topology: Topology
  /** Hash of the topology. */
  revision: string
  topologyFile: string
  appFolder: string
  /** One `up` of the whole world; the app's release command runs once for each. */
  run: string
  /** It lives in network namespaces of its own, with distances between the regions. */
  lab?: LabRecord
}

export type LabRecord = {
  /** 8 hex digits; its namespaces are `nearside-<id>-…`. */
  id: string
  /** Measured round trips in ms by `from to`; pairs without one get the model's. */
  rttMs?: Readonly<Record<string, number>>
  /** Its apps load what faults inside an app need (Node only). */
  appFaults?: boolean
  /** Regions whose database has a small disk of its own, in bytes. */
  smallDisks?: Readonly<Record<string, number>>
}

/**
 * In the environment of every process that an agent starts: the folder of its region. Whoever coordination for what belongs
 * to a region finds by it what has neither parent nor record any more, and the app's own children too.
 */
export const folderVariable = 'NEARSIDE_FOLDER'

export const worldFile = (folder: string) => join(folder, 'world.json')
export const regionFolder = (folder: string, region: string) => join(folder, 'regions', region)
export const worldFolderFor = (topologyFile: string, world: string) =>
  join(dirname(topologyFile), '.nearside', world)

export async function writeWorld(folder: string, record: WorldRecord): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeAside(worldFile(folder), `${JSON.stringify(record, null, 2)}\n`, 0o600)
}

export async function readWorld(folder: string): Promise<WorldRecord> {
  const file = worldFile(folder)
  try {
    return JSON.parse(await readFile(file, 'utf8')) as WorldRecord
  } catch (cause) {
    throw new NearsideError('world_unreadable', `${file}: expected the record of a world`, {
      remedy: 'run `nearside up` in the folder of the topology file to make it anew',
      cause,
    })
  }
}
