import { constants, type Stats } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { inspectPlaces } from '../geo/load-places.ts'
import { resolveGeoip } from '../geo/places.ts'
import { NearsideError } from '../lib/errors.ts'
import type { Finding, Key } from './problems.ts'
import type { Topology } from './schema.ts'

/** Checks that read the disk of the machine that will run the world; the pure ones are in checks.ts. */

const statOf = (path: string): Promise<Stats | undefined> => stat(path).catch(() => undefined)

async function executable(path: string): Promise<'yes' | 'no' | 'absent'> {
  const info = await statOf(path)
  if (!info?.isFile()) return 'absent'
  return access(path, constants.X_OK).then(
    () => 'yes',
    () => 'no',
  )
}

type Where = {
  /** Folder of the topology file, absolute. */
  folder: string
  appFolder: string
  /** Search path for programs, in the form of the environment variable PATH. */
  path: string
}

async function checkProgram(
  command: readonly string[],
  at: Key[],
  { appFolder, path }: Where,
): Promise<Finding[]> {
  const program = command[0]!
  const here = { at: [...at, 0] }
  if (program.includes('/')) {
    const file = resolve(appFolder, program)
    const found = await executable(file)
    if (found === 'yes') return []
    if (found === 'no')
      return [
        {
          ...here,
          message: `expected a program, but ${file} is not executable`,
          remedy: `chmod +x ${program}, or put its interpreter in front of it`,
        },
      ]
    return [
      {
        ...here,
        message: `expected a program, but ${file} does not exist`,
        remedy: 'correct the path; it is relative to app.folder',
      },
    ]
  }
  const folders = path.split(delimiter).filter(isAbsolute)
  for (const folder of folders) if ((await executable(join(folder, program))) === 'yes') return []
  if (/\s/.test(program))
    return [
      {
        ...here,
        message: `expected a program, got ${JSON.stringify(program)}`,
        remedy: `write program and arguments as separate items: ${JSON.stringify(program.trim().split(/\s+/))}`,
      },
    ]
  const local = await statOf(join(appFolder, program))
  return [
    {
      ...here,
      message: `expected a program on PATH, but ${JSON.stringify(program)} is not there`,
      remedy: local?.isFile()
        ? `write "./${program}", or put its interpreter in front of it`
        : 'install it, or write its path',
    },
  ]
}

const scripts = /\.(m|c)?[jt]s$|\.(py|rb|php|sh|pl|jar)$/
const interpreters = /^(node|bun|tsx|python[\d.]*|ruby|php|perl|sh|bash|dash)$/

/** Finds a missing script, as in `["node", "server.ts"]`, before it shows as an app that never becomes healthy. */
async function checkScript(command: readonly string[], at: Key[], { appFolder }: Where): Promise<Finding[]> {
  const [program = '', script = ''] = command
  if (!interpreters.test(program.split('/').at(-1)!) || !scripts.test(script)) return []
  const file = resolve(appFolder, script)
  if ((await statOf(file))?.isFile()) return []
  return [
    {
      at: [...at, 1],
      message: `expected a file, but ${file} does not exist`,
      remedy: 'correct the path; it is relative to app.folder',
    },
  ]
}

/**
 * Resolves one entry of `steering.geoip`; undefined when the file does not exist. See `resolveGeoip` for where it is
 * searched for.
 */
export async function geoipFile(entry: string, folder: string): Promise<string | undefined> {
  try {
    const [file] = resolveGeoip([entry], resolve(folder))
    return file !== undefined && (await statOf(file))?.isFile() ? file : undefined
  } catch {
    return undefined
  }
}

const resolved = (entry: string, folder: string) => {
  try {
    return { file: resolveGeoip([entry], resolve(folder))[0] }
  } catch (error) {
    return { remedy: error instanceof NearsideError ? error.remedy : undefined }
  }
}
/** A folder resolves, but is no database. */
const absence = (entry: string, folder: string) =>
  resolved(entry, folder).file === undefined ? 'does not exist' : 'is not a file'
const geoipRemedy = (entry: string, folder: string) =>
  resolved(entry, folder).remedy ?? 'write the path of a file in MaxMind’s format (.mmdb)'

/** Names the file as the topology does. */
const said = (message: string, file: string, entry: string) =>
  message.startsWith(file) ? entry + message.slice(file.length) : message

async function checkGeoip(
  topology: Topology,
  { folder }: Where,
): Promise<{ problems: Finding[]; warnings: Finding[] }> {
  const problems: Finding[] = []
  const warnings: Finding[] = []
  for (const [i, entry] of topology.steering.geoip.entries()) {
    const at = ['steering', 'geoip', i]
    const file = await geoipFile(entry, folder)
    if (file === undefined) {
      const message = `expected a file, but ${entry} ${absence(entry, folder)}`
      problems.push({ at, message, remedy: geoipRemedy(entry, folder) })
      continue
    }
    try {
      await inspectPlaces(file)
    } catch (error) {
      if (!(error instanceof NearsideError)) throw error
      const { code, remedy } = error
      const finding = {
        at,
        message: said(error.message, file, entry),
        ...(remedy === undefined ? {} : { remedy }),
      }
      if (code === 'geoip_country_level') warnings.push(finding)
      else problems.push(finding)
    }
  }
  return { problems, warnings }
}

/** Checks files and programs, where `usable` reports that the schema accepted the value at a path. */
export async function checkFiles(
  topology: Topology,
  where: Where,
  usable: (path: string) => boolean,
): Promise<{ problems: Finding[]; warnings: Finding[] }> {
  const { problems, warnings } = usable('steering.geoip')
    ? await checkGeoip(topology, where)
    : { problems: [], warnings: [] }
  if (!usable('app.folder')) return { problems, warnings }
  const info = await statOf(where.appFolder)
  if (!info?.isDirectory()) {
    const found = info ? 'is not a folder' : 'does not exist'
    problems.push({
      at: ['app', 'folder'],
      message: `expected a folder, but ${where.appFolder} ${found}`,
      remedy: 'correct the path; it is relative to the topology file',
    })
    return { problems, warnings }
  }
  for (const key of ['command', 'release'] as const) {
    const command = topology.app[key]
    if (!command || !usable(`app.${key}`)) continue
    const program = await checkProgram(command, ['app', key], where)
    problems.push(...(program.length > 0 ? program : await checkScript(command, ['app', key], where)))
  }
  return { problems, warnings }
}
