import { constants, type Stats } from 'node:fs'
import { access, open, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { resolvePlaces } from '../geo/places.ts'
import type { Finding, Key } from './problems.ts'
import type { Topology } from './schema.ts'

/** Checks that need the disk of the machine that will run the world; the pure ones are in checks.ts. */

const look = (path: string): Promise<Stats | undefined> => stat(path).catch(() => undefined)

async function executable(path: string): Promise<'yes' | 'no' | 'absent'> {
  const info = await look(path)
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
  /** Where programs are looked for, as in the environment variable. */
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
          message: `expected a program, ${file} is not executable`,
          remedy: `chmod +x ${program}, or name its interpreter first`,
        },
      ]
    return [
      {
        ...here,
        message: `expected a program, ${file} does not exist`,
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
        remedy: `program and arguments stand apart: ${JSON.stringify(program.trim().split(/\s+/))}`,
      },
    ]
  const local = await look(join(appFolder, program))
  return [
    {
      ...here,
      message: `expected a program on PATH, found no ${JSON.stringify(program)}`,
      remedy: local?.isFile()
        ? `write "./${program}", or name its interpreter first`
        : 'install it, or write its path',
    },
  ]
}

const scripts = /\.(m|c)?[jt]s$|\.(py|rb|php|sh|pl|jar)$/
const interpreters = /^(node|bun|tsx|python[\d.]*|ruby|php|perl|sh|bash|dash)$/

/** `["node", "server.ts"]` with no server.ts: said now instead of by an app that never becomes healthy. */
async function checkScript(command: readonly string[], at: Key[], { appFolder }: Where): Promise<Finding[]> {
  const [program = '', script = ''] = command
  if (!interpreters.test(program.split('/').at(-1)!) || !scripts.test(script)) return []
  const file = resolve(appFolder, script)
  if ((await look(file))?.isFile()) return []
  return [
    {
      at: [...at, 1],
      message: `expected a file, ${file} does not exist`,
      remedy: 'correct its path; it is relative to app.folder',
    },
  ]
}

/**
 * The file that an entry of `steering.geoip` means, or undefined when there is none. `npm:<package>/<file>` is
 * looked for in the node_modules of the topology's folder and above, then in Nearside's own.
 */
export async function placesFile(place: string, folder: string): Promise<string | undefined> {
  try {
    const [file] = resolvePlaces([place], resolve(folder))
    return file !== undefined && (await look(file))?.isFile() ? file : undefined
  } catch {
    return undefined
  }
}

/** `database_type` of a file in MaxMind's format, from the metadata at its end; undefined when it is none. */
async function databaseType(file: string): Promise<string | undefined> {
  const handle = await open(file)
  try {
    const { size } = await handle.stat()
    // The format's specification: the metadata stand in the last 128 KiB, after this marker.
    const length = Math.min(size, 128 * 1024)
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length)
    const start = buffer.lastIndexOf(Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'))
    if (start === -1) return undefined
    const key = buffer.indexOf('database_type', start)
    if (key === -1) return ''
    const control = buffer[key + 'database_type'.length] ?? 0
    const [short, extra] = [control & 0x1f, buffer[key + 'database_type'.length + 1] ?? 0]
    const from = key + 'database_type'.length + (short === 29 ? 2 : 1)
    return buffer.toString('utf8', from, from + (short === 29 ? 29 + extra : short))
  } finally {
    await handle.close()
  }
}

async function checkPlaces(
  topology: Topology,
  { folder }: Where,
): Promise<{ problems: Finding[]; warnings: Finding[] }> {
  const problems: Finding[] = []
  const warnings: Finding[] = []
  for (const [i, place] of topology.steering.geoip.entries()) {
    const at = ['steering', 'geoip', i]
    const file = await placesFile(place, folder)
    const [, name = ''] = /^npm:((?:@[^/]+\/)?[^/]+)/.exec(place) ?? []
    if (file === undefined) {
      const remedy =
        name === '' ? 'correct the path; it is relative to the topology file' : `npm install ${name}`
      problems.push({ at, message: `expected a file, ${place} does not exist`, remedy })
      continue
    }
    const type = await databaseType(file).catch(() => undefined)
    if (type === undefined)
      problems.push({ at, message: `expected a database in MaxMind's format (.mmdb), ${place} is none` })
    else if (/country/i.test(type))
      warnings.push({
        at,
        message: `${place} knows countries only: two regions of one country cannot be told apart`,
        remedy: 'use a city-level database',
      })
  }
  return { problems, warnings }
}

/** Rules about files and programs, for what the schema accepted (`usable` says whether a path was). */
export async function checkFiles(
  topology: Topology,
  where: Where,
  usable: (path: string) => boolean,
): Promise<{ problems: Finding[]; warnings: Finding[] }> {
  const { problems, warnings } = usable('steering.geoip')
    ? await checkPlaces(topology, where)
    : { problems: [], warnings: [] }
  if (!usable('app.folder')) return { problems, warnings }
  const info = await look(where.appFolder)
  if (!info?.isDirectory()) {
    const found = info ? 'is not a folder' : 'does not exist'
    problems.push({
      at: ['app', 'folder'],
      message: `expected a folder, ${where.appFolder} ${found}`,
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
