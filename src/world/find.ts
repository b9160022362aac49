import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { readWorld, type WorldRecord, worldFile } from '../agent/layout.ts'
import { secretsOf } from '../agent/secrets.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { NearsideError } from '../lib/errors.ts'
import { list } from '../lib/format.ts'
import { handleOf, type WorldHandle } from './handle.ts'
import { type Moved, movedError, movedWorlds } from './moved.ts'
import { enter, enterNowhere, exists } from './namespaces/enter.ts'
import { namespaceOf } from './namespaces/names.ts'

/** Options of every command that works on a world. */
export type WorldOptions = { topology?: string; world?: string }

/** Opens the world that the options name, from a network that can reach its regions. */
export const worldOf = (options: WorldOptions, cwd = process.cwd()): Promise<WorldHandle> =>
  openWorldHere(findWorld(options, cwd))

/**
 * Opens the world of a folder from a network that can reach its regions. The addresses of a lab exist only in its
 * namespaces, so for a lab this command restarts itself in the lab's router, which reaches every region even while
 * links are cut. If the lab's network is gone, the command restarts in an empty network: outside, the lab's addresses
 * may belong to other hosts.
 */
export async function openWorldHere(folder: string): Promise<WorldHandle> {
  const record = await readWorld(folder)
  if (record.lab) goToLab(record.topology.name, record.lab.id)
  return handleOf(folder, record, await secretsOf(folder))
}

function goToLab(name: string, id: string): void {
  if (process.getuid?.() !== 0)
    throw new NearsideError('lab_needs_root', `${name}: only root can enter the network of a lab`, {
      remedy: 'run the command with sudo, like `nearside lab up`',
    })
  const router = namespaceOf(id, 'router')
  if (exists(router)) enter(router)
  else enterNowhere()
}

/**
 * Finds a world without evaluating its topology file, which may be missing or broken: the one made from `--topology`,
 * or the only one in the folder.
 */
export function findWorld(options: WorldOptions, cwd: string): string {
  const found = search(options, cwd)
  if (found.kind === 'found') return found.folder
  throw notFound(found, options, worldWords)
}

/** The same for a lab. `--world` may omit the `-lab` suffix. */
export function findLab(options: WorldOptions, cwd: string): string {
  const { world } = options
  const named =
    world === undefined || world.endsWith('-lab') ? options : { ...options, world: `${world}-lab` }
  const found = search(named, cwd, isLab)
  if (found.kind === 'found') return found.folder
  throw notFound(found, options, labWords)
}

type Missing =
  /** Neither the topology file nor its folder exists. */
  | { kind: 'noPlace'; start: string }
  | { kind: 'several'; below: string; names: readonly string[] }
  /** No world has the name given with `--world`. */
  | { kind: 'unknown'; names: readonly string[] }
  | { kind: 'moved'; moved: Moved }
  /** The folder has worlds, made from other files. */
  | { kind: 'noneOfFile'; start: string; below: string; names: readonly string[] }
  | { kind: 'none'; below: string }

function search(
  { topology, world }: WorldOptions,
  cwd: string,
  isMeant: (folder: string) => boolean = () => true,
): { kind: 'found'; folder: string } | Missing {
  const start = canonical(resolve(cwd, topology ?? '.'))
  const isFolder = statSync(start, { throwIfNoEntry: false })?.isDirectory() ?? false
  if (!existsSync(dirname(start)) || (!existsSync(start) && extname(start) === ''))
    return { kind: 'noPlace', start }
  const below = join(isFolder ? start : dirname(start), '.nearside')
  const names = existsSync(below)
    ? readdirSync(below).filter(
        (name) => existsSync(worldFile(join(below, name))) && isMeant(join(below, name)),
      )
    : []
  const made = isFolder ? names : names.filter((name) => madeFrom(join(below, name)) === start)
  const found = world === undefined ? made : made.filter((name) => name === world)
  if (found.length === 1) return { kind: 'found', folder: join(below, found[0]!) }
  if (found.length > 1) return { kind: 'several', below, names: found }
  if (world !== undefined && made.length > 0) return { kind: 'unknown', names: made }
  const moved = movedWorlds(below).find(({ folder }) => world === undefined || basename(folder) === world)
  if (moved) return { kind: 'moved', moved }
  if (!isFolder && names.length > 0) return { kind: 'noneOfFile', start, below, names }
  return { kind: 'none', below }
}

type Words = { noun: 'world' | 'lab'; code: string; up: string }

const worldWords: Words = { noun: 'world', code: 'world_not_found', up: 'nearside up' }
const labWords: Words = { noun: 'lab', code: 'lab_not_found', up: 'nearside lab up' }

function notFound(missing: Missing, { world = '' }: WorldOptions, { noun, code, up }: Words): NearsideError {
  switch (missing.kind) {
    case 'noPlace':
      return new NearsideError(code, `${missing.start}: does not exist`, {
        remedy: 'pass a topology file or its folder with --topology',
      })
    case 'several': {
      const { below, names } = missing
      return new NearsideError('world_ambiguous', `${below}: expected one world, found ${names.join(', ')}`, {
        remedy: `choose one with ${names.map((name) => `--world ${name}`).join(' or ')}`,
      })
    }
    case 'unknown': {
      const { names } = missing
      return new NearsideError('usage_world_unknown', `world: expected ${list(names, 'or')}, got ${world}`, {
        remedy: didYouMean(world, names) ?? `use --world ${names[0]}`,
      })
    }
    case 'moved':
      return movedError(missing.moved)
    case 'noneOfFile': {
      const { start, below, names } = missing
      const made = names.map((name) => `${name}, made from ${basename(madeFrom(join(below, name)) ?? '?')}`)
      return new NearsideError(code, `${start}: no ${noun} exists for this topology file`, {
        remedy: `${below} has ${made.join('; ')}`,
      })
    }
    case 'none':
      return new NearsideError(code, `There is no ${noun} here (${dirname(missing.below)}).`, {
        remedy: `start one with \`${up}\`, or pass the topology file with --topology FILE`,
      })
  }
}

/** Resolves symbolic links, even if the last part of the path does not exist. */
export function canonical(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(canonical(parent), basename(path))
  }
}

/** Whether the options name a lab of this folder by its full name. */
export function namesLab(options: WorldOptions, cwd: string): boolean {
  try {
    return isLab(findWorld(options, cwd))
  } catch {
    return false
  }
}

const isLab = (folder: string) => recordIn(folder)?.lab !== undefined

function recordIn(folder: string): WorldRecord | undefined {
  try {
    return JSON.parse(readFileSync(worldFile(folder), 'utf8')) as WorldRecord
  } catch {
    return undefined
  }
}

function madeFrom(folder: string): string | undefined {
  const file = recordIn(folder)?.topologyFile
  return file === undefined ? undefined : canonical(file)
}

/** Adapts the commands in a remedy to this world: a lab has its own `up` and `down`. */
export const typed = ({ record }: Pick<WorldHandle, 'record'>, remedy: string): string =>
  record.lab ? remedy.replace(/\bnearside (up|down)\b/g, 'nearside lab $1') : remedy
