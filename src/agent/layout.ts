import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { NearsideError } from '../lib/errors.ts'
import { writeAside } from '../lib/files.ts'
import type { Topology } from '../topology/schema.ts'

/**
 * The folder of a world: `.nearside/<world>/` next to the topology file.
 *
 *     world.json            input of the agents: the checked topology and the app's folder
 *     secrets.json          0600
 *     regions/<region>/     etc (rendered), data, log, run (sockets, process records)
 */

export type WorldRecord = {
  topology: Topology
  /** Hash of the topology. */
  revision: string
  topologyFile: string
  appFolder: string
  /** Identifies one `up` of the whole world. The app's release command runs once per run. */
  run: string
  /** Set for a lab: the world runs in its own network namespaces, with latencies between its regions. */
  lab?: LabRecord
}

export type LabRecord = {
  /** 8 hex digits. The lab's namespaces are named `nearside-<id>-…`. */
  id: string
  /** Measured round trips in ms by `from to`; other pairs use the model's estimate. */
  rttMs?: Readonly<Record<string, number>>
  /** Its apps load the module that faults inside an app need (Node only). */
  appFaults?: boolean
  /** Regions whose database has a separate small disk, with its size in bytes. */
  smallDisks?: Readonly<Record<string, number>>
}

/**
 * Environment variable of every process that an agent starts; its value is the region's folder. It identifies processes
 * of a region that have neither a parent nor a record any more, including children of the app.
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
      remedy: 'run `nearside up` in the folder of the topology file to create it again',
      cause,
    })
  }
}
