import { createHash } from 'node:crypto'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir } from '../../../../setup/paths.mjs'
import { loadPlaces } from '../../../geo/load-places.ts'
import { resolveGeoip } from '../../../geo/places.ts'
import { writeAside } from '../../../lib/files.ts'
import { type PrefixIndex, prefixIndex } from './prefixes.ts'

/**
 * The index of a topology's IPv4 database; undefined without one. Cached on disk because building it takes 2 s: one
 * file per database, rebuilt when the database changes. Built each time if the cache is not writable.
 */
export async function loadPrefixIndex(
  places: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<PrefixIndex | undefined> {
  const files = resolveGeoip(places, folder)
  if (files.length === 0) return undefined
  const abouts = await Promise.all(files.map((file) => stat(file)))
  const stamp = JSON.stringify([layout, files, abouts.map(({ size, mtimeMs }) => [size, mtimeMs])])
  const kept = join(
    cacheDir(env),
    'users',
    `${createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 12)}.json`,
  )
  try {
    const cached = JSON.parse(await readFile(kept, 'utf8')) as { stamp: string; index: PrefixIndex }
    if (cached.stamp === stamp) return cached.index
  } catch {
    // Missing or incomplete.
  }
  const tree = (await loadPlaces(files)).find(({ family }) => family === 4)
  if (!tree) return undefined
  const index = prefixIndex(tree)
  try {
    await mkdir(join(kept, '..'), { recursive: true })
    await writeAside(kept, JSON.stringify({ stamp, index }), 0o644)
  } catch {
    // Without a writable cache, the next run takes 2 s longer.
  }
  return index
}

/** Increment when the cache format changes. */
const layout = 1
