import { mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { parseNamespace } from '../../world/namespaces/names.ts'
import { labNamespaces } from './remove.ts'

/**
 * What a lab has outside its world's folder: `/run/nearside/lab-<id>/`, of root only, gone with the next boot as the
 * network is. The shaper keeps its socket there, whose path has to be short; the link `world` leads from the id to the
 * world's folder, so that what is left of a lab can be told from one that is at work.
 */
const base = '/run/nearside'
export const labFolder = (id: string) => join(base, `lab-${id}`)

/** Makes both folders if they are missing: a lab whose world’s folder is gone counts as dead. */
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

/** The ids of all labs of which this machine has something. */
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
