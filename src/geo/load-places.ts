import { readFile, stat } from 'node:fs/promises'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { type Mmdb, openMmdb } from './mmdb.ts'
import { mmdbPlaces, requirePlaces } from './mmdb-places.ts'
import type { PlaceTree } from './place-tree.ts'

/** What one buffer can be read into at once. Larger than any GeoIP database on the market. */
const maxBytes = 2 * 1024 ** 3 - 1

/** Reads the databases, at most one per address family. Throws a NearsideError that names the file. */
export async function loadPlaces(files: readonly string[]): Promise<PlaceTree[]> {
  const trees: PlaceTree[] = []
  for (const file of files) {
    for (const tree of mmdbPlaces(await openPlaces(file))) {
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

/** Opens a database and reads a sample of it. Throws the NearsideError that computing a table from it would throw. */
export async function inspectPlaces(file: string): Promise<void> {
  requirePlaces(await openPlaces(file))
}

async function openPlaces(file: string): Promise<Mmdb> {
  try {
    const about = await stat(file)
    if (!about.isFile()) throw unusable(`${file} is not a file`)
    if (about.size > maxBytes) throw unusable(`${file} has ${about.size} bytes; the maximum is ${maxBytes}`)
    return openMmdb(await readFile(file), file)
  } catch (cause) {
    if (cause instanceof NearsideError) throw cause
    throw new NearsideError('geoip_unreadable', `${file}: ${messageOf(cause)}`, {
      remedy: 'correct steering.geoip, or let the user who runs Nearside read the file',
      cause,
    })
  }
}

function unusable(message: string): NearsideError {
  return new NearsideError('geoip_unusable', message, {
    remedy: 'use a city-level GeoIP database',
  })
}
