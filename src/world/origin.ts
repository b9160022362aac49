import { basename, dirname, sep } from 'node:path'
import { folderVariable } from '../agent/layout.ts'
import type { Process } from '../lib/proc.ts'
import { agentAt } from './processes.ts'

export type Origin = {
  /** The world's folder, which may be gone by now. */
  world: string
  region: string
}

/** The world and region of any process on this machine; undefined if it belongs to none. */
export function originOf(one: Process): Origin | undefined {
  const agent = agentAt(one)
  if (agent) return { world: agent.folder, region: agent.region }
  const at = one.workingFolder === undefined || !one.daemon ? undefined : regionIn(one.workingFolder)
  return at ?? regionIn(one.variable(folderVariable) ?? '')
}

/** Recognizes `/srv/shop/.nearside/shop/regions/us-east/data (deleted)` as us-east of that world. */
export function regionIn(path: string): Origin | undefined {
  const found = /^(.*\/\.nearside\/[^/]+)\/regions\/([^/]+?)(\/.*)?( \(deleted\))?$/.exec(path)
  return found ? { world: found[1]!, region: found[2]! } : undefined
}

/** `shop (/srv/shop)`: the world's name and the folder of its topology file. */
export const worldName = (folder: string) => `${basename(folder)} (${dirname(dirname(folder)) || sep})`
