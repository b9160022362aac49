import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { folderVariable, worldFile } from '../agent/layout.ts'
import { NearsideError } from '../lib/errors.ts'
import { count } from '../lib/format.ts'
import { allPids, lookAt, type Process } from '../lib/proc.ts'
import { type Origin, regionIn } from './origin.ts'
import { agentAt } from './processes.ts'

/** A running world whose folder is no longer where its processes were started. */
export type Moved = {
  /** The path that they were started with. */
  folder: string
  /** Its current path; undefined when it was removed or cannot be determined. */
  now?: string
  processes: number
}

/** Running worlds whose folder is missing from this `.nearside`. */
export function movedWorlds(
  below: string,
  processes: readonly Process[] = allPids().flatMap((pid) => lookAt(pid) ?? []),
  exists: (file: string) => boolean = existsSync,
): Moved[] {
  const worlds = new Map<string, Moved>()
  for (const one of processes) {
    const origin = startedFor(one)
    if (!origin || dirname(origin.world) !== below || exists(worldFile(origin.world))) continue
    const known = worlds.get(origin.world) ?? { folder: origin.world, processes: 0 }
    const now = known.now ?? whereNow(one, origin.region)
    const found = now !== undefined && exists(worldFile(now))
    worlds.set(origin.world, { ...known, processes: known.processes + 1, ...(found ? { now } : {}) })
  }
  return [...worlds.values()]
}

/** From its arguments or environment, which name the original path; its working directory gives the current one. */
function startedFor(one: Process): Origin | undefined {
  const agent = agentAt(one)
  if (agent) return { world: agent.folder, region: agent.region }
  return one.daemon ? regionIn(one.variable(folderVariable) ?? '') : undefined
}

/** `/srv/shop/old/shop/regions/us-east/data` lies in `/srv/shop/old/shop`. */
function whereNow({ workingFolder: at = '' }: Process, region: string): string | undefined {
  const end = `${at}/`.lastIndexOf(`/regions/${region}/`)
  return end === -1 ? undefined : at.slice(0, end)
}

export function movedError({ folder, now, processes }: Moved): NearsideError {
  const run = `${count(processes, 'process', 'processes')} of ${basename(folder)} still ${processes === 1 ? 'runs' : 'run'}`
  if (now === undefined)
    return new NearsideError(
      'world_removed',
      `${folder}: the folder was removed while the world ran; ${run}`,
      {
        remedy: 'run `nearside doctor --fix` to kill them',
      },
    )
  return new NearsideError(
    'world_moved',
    `${folder}: the folder was moved to ${now} while the world ran; ${run}`,
    {
      remedy: `move it back: ${moveBack(folder, now)}`,
    },
  )
}

export const moveBack = (folder: string, now: string): string =>
  `${existsSync(dirname(folder)) ? '' : `mkdir -m 700 ${dirname(folder)} && `}mv ${now} ${folder}`
