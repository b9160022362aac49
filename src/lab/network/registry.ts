import { mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { parseNamespace } from '../../world/namespaces/names.ts'
import { labNamespaces } from './remove.ts'

/**
 * A lab's files outside its world's folder: `/run/nearside/lab-<id>/`, owned by root, gone with the next boot like the
 * network itself. The shaper keeps its socket there, because a socket's path must be short. The link `world` leads from
 * the id to the world's folder, which tells the remains of a lab from one in use.
 */
const base = '/run/nearside'
export const labFolder = (id: string) => join(base, `lab-${id}`)

/** Creates both folders if missing: a lab whose world's folder is gone counts as dead. */
export function register(id: string, worldFolder: string): void {
  mkdirSync(worldFolder, { recursive: true, mode: 0o700 })
  mkdirSync(labFolder(id), { recursive: true, mode: 0o700 })
  const aside = join(labFolder(id), `world.${process.pid}`)
  rmSync(aside, { force: true })
  symlinkSync(worldFolder, aside)
  renameSync(aside, join(labFolder(id), 'world'))
}

export function worldFolderOf(id: string): string | undefined {
  try {
    return readlinkSync(join(labFolder(id), 'world'))
  } catch {
    return undefined
  }
}

export function unregister(id: string): void {
  rmSync(labFolder(id), { recursive: true, force: true })
}

/** Ids of all labs with anything left on this machine. */
export function labIds(): string[] {
  const fromNames = labNamespaces().flatMap((name) => parseNamespace(name)?.id ?? [])
  return [...new Set([...fromNames, ...fromFolders()])].sort()
}

function fromFolders(): string[] {
  try {
    return readdirSync(base).flatMap((name) => /^lab-([0-9a-f]{8})$/.exec(name)?.[1] ?? [])
  } catch {
    return []
  }
}
