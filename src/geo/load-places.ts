import { readFile, stat } from 'node:fs/promises'
import { NearsideError } from '../lib/errors.ts'
import { openMmdb } from './mmdb.ts'
import { mmdbPlaces } from './mmdb-places.ts'
import type { PlaceTree } from './place-tree.ts'

/** Larger than any GeoIP database on the market; a larger file is a mistake. */
const maxBytes = 1024 ** 3

/** Reads the databases, at most one per address family. Throws a NearsideError that names the file. */
export async function loadPlaces(files: readonly string[]): Promise<PlaceTree[]> {
  const trees: PlaceTree[] = []
  for (const file of files) {
    const about = await stat(file)
    if (!about.isFile()) throw unusable(`${file} is not a file`)
    if (about.size > maxBytes) {
      throw unusable(`${file} has ${about.size} bytes; the maximum is ${maxBytes}`)
    }
    for (const tree of mmdbPlaces(openMmdb(await readFile(file), file))) {
      if (trees.some((other) => other.family === tree.family)) {
        throw new NearsideError('geoip_twice', `${file}: another database already covers IPv${tree.family}`, {
          remedy: 'list one database for IPv4 and one for IPv6, or one that covers both',
        })
      }
      trees.push(tree)
    }
  }
  return trees
}

function unusable(message: string): NearsideError {
  return new NearsideError('geoip_unusable', message, {
    remedy: 'use a city-level GeoIP database',
  })
}
