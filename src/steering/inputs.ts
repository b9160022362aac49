import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { resolveGeoip } from '../geo/places.ts'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { regionsOf } from '../topology/regions.ts'
import type { Topology } from '../topology/schema.ts'
import type { SteeringRegion } from './table.ts'
import { tableFormat } from './table-file.ts'

/** Everything that a steering table is made from. */
export type TableInputs = {
  /** Absolute paths of the GeoIP databases. */
  places: string[]
  regions: SteeringRegion[]
  maxPrefixes: number
}

/** `folder`: the topology file's, which `steering.geoip` is relative to. Throws a NearsideError for a missing file. */
export function tableInputs(topology: Topology, folder: string): TableInputs {
  return {
    places: resolveGeoip(topology.steering.geoip, folder),
    regions: steeringRegions(topology),
    maxPrefixes: topology.steering.maxPrefixes,
  }
}

export function steeringRegions(topology: Topology): SteeringRegion[] {
  return regionsOf(topology)
    .filter((region) => region.serves)
    .map(({ name, location }) => ({ name, location }))
}

/** Hash of the content of all inputs, so a table that was made from it is never out of date. */
export async function revisionOf({ places, regions, maxPrefixes }: TableInputs): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify({ tableFormat, regions, maxPrefixes }))
  for (const path of places) hash.update(await hashFile(path))
  return hash.digest('hex').slice(0, 24)
}

export const tableFile = (cacheFolder: string, revision: string) =>
  join(cacheFolder, `steering-${revision}.table`)

/** Differs whenever one of the files was written or replaced: cheaper than its hash. */
export async function fingerprintOf(places: readonly string[]): Promise<string> {
  const parts = await Promise.all(places.map((path) => readable(path, stat(path))))
  return parts.map(({ ino, size, mtimeMs, ctimeMs }) => [ino, size, mtimeMs, ctimeMs].join(' ')).join('\n')
}

/** When the newest of the files was last written, ms since 1970. */
export async function writtenAt(places: readonly string[]): Promise<number> {
  const parts = await Promise.all(places.map((path) => readable(path, stat(path))))
  return Math.max(0, ...parts.map(({ mtimeMs }) => mtimeMs))
}

/** Reads through one small buffer: agents call this, and a database is larger than everything else in their memory. */
async function hashFile(path: string): Promise<Buffer> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(256 * 1024)
  const file = await readable(path, open(path, 'r'))
  try {
    for (;;) {
      const { bytesRead } = await readable(path, file.read(buffer, 0, buffer.length))
      if (bytesRead === 0) return hash.digest()
      hash.update(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}

async function readable<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw new NearsideError('geoip_unreadable', `${path}: ${messageOf(cause)}`, {
      remedy: 'correct steering.geoip, or let the user who runs Nearside read the file',
      cause,
    })
  }
}
