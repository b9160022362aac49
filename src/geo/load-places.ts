import { readFile, stat } from 'node:fs/promises'
import { NearsideError } from '../lib/errors.ts'
import { openMmdb } from './mmdb.ts'
import { mmdbPlaces } from './mmdb-places.ts'
import type { PlaceTree } from './place-tree.ts'

/** More than the largest database of this kind that is sold; a file beyond it is a mistake. */
const largestBytes = 1024 ** 3

/** Reads the databases, at most one an address family. Messages name the file. */
export async function loadPlaces(files: readonly string[]): Promise<PlaceTree[]> {
  const trees: PlaceTree[] = []
  for (const file of files) {
    const about = await stat(file)
    if (!about.isFile()) throw unusable(`${file} is not a file`)
    if (about.size > largestBytes) {
      throw unusable(`${file} has ${about.size} bytes; at most ${largestBytes} are read`)
    }
    for (const tree of mmdbPlaces(openMmdb(await readFile(file), file))) {
      if (trees.some((other) => other.family === tree.family)) {
        throw new NearsideError(
          'places_twice',
          `${file}: another database already covers IPv${tree.family}`,
          {
            remedy: 'name one database for IPv4 and one for IPv6, or one for both',
          },
        )
      }
      trees.push(tree)
    }
  }
  return trees
}

function unusable(message: string): NearsideError {
  return new NearsideError('places_unusable', message, {
    remedy: 'name a city-level database of IP prefixes',
  })
}
