import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { worldFile } from '../../agent/layout.ts'
import { count, list } from '../../lib/format.ts'
import { allPids, isAlive, lookAt, type Process, signal } from '../../lib/proc.ts'
import { moveBack, movedWorlds } from '../moved.ts'
import { originOf, worldName } from '../origin.ts'
import { agentAt } from '../processes.ts'
import { type Finding, ok } from './finding.ts'

type Left = {
  world: string
  exists: boolean
  /** Current place of its folder if that was moved while its processes ran. */
  now?: string
  regions: Map<string, { agent: boolean; processes: Process[] }>
}

/** Orphaned processes of any world on this machine: its folder is gone, or no agent supervises them. */
export function leftoverFindings(): Finding[] {
  return evaluateLeftovers(worldsHere())
}

function worldsHere(): Left[] {
  const worlds = new Map<string, Left>()
  for (const one of allPids().flatMap((pid) => lookAt(pid) ?? [])) {
    const origin = originOf(one)
    if (!origin || one.pid === process.pid) continue
    const world = worlds.get(origin.world) ?? newWorld(origin.world)
    const region = world.regions.get(origin.region) ?? { agent: false, processes: [] }
    region.processes.push(one)
    region.agent ||= agentAt(one) !== undefined
    world.regions.set(origin.region, region)
    worlds.set(origin.world, world)
  }
  return [...worlds.values()]
}

function newWorld(world: string): Left {
  const exists = !isGone(worldFile(world))
  const now = exists ? undefined : movedWorlds(dirname(world)).find((one) => one.folder === world)?.now
  return { world, exists, ...(now === undefined ? {} : { now }), regions: new Map() }
}

/** Another user's world may be unreadable, which does not mean that it is gone. */
function isGone(path: string): boolean {
  try {
    statSync(path)
    return false
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
  }
}

export function evaluateLeftovers(worlds: readonly Left[]): Finding[] {
  const findings = worlds.flatMap(({ world, exists, now, regions }): Finding[] => {
    const all = [...regions.values()].flatMap((region) => region.processes)
    if (now !== undefined) return [moved(world, now, all.length)]
    if (!exists) return [dead(world, all)]
    const alone = [...regions].filter(([, region]) => !region.agent).map(([name]) => name)
    if (alone.length === 0) return []
    return [
      {
        check: 'leftovers',
        state: 'warning',
        message: `${list(alone)} of the world ${worldName(world)}: no agent runs, so nothing restarts failed processes`,
        remedy: 'run `nearside up` or `nearside down` in the folder of its topology file',
      },
    ]
  })
  return findings.length > 0
    ? findings
    : [ok('leftovers', `${count(worlds.length, 'world')} on this machine, no orphaned processes`)]
}

/** Not cleaned up: the data still exists, and the world works again once its folder is back at the expected path. */
function moved(world: string, now: string, processes: number): Finding {
  return {
    check: 'leftovers',
    state: 'problem',
    message: `${count(processes, 'process', 'processes')} of the world ${worldName(world)} still ${processes === 1 ? 'runs' : 'run'}, but its folder was moved to ${now}`,
    remedy: `move the folder back: ${moveBack(world, now)}`,
  }
}

function dead(world: string, processes: readonly Process[]): Finding {
  const names = [...new Set(processes.map((one) => (agentAt(one) ? 'agent' : one.name)))].sort()
  const what = count(processes.length, 'process', 'processes')
  return {
    check: 'leftovers',
    state: 'problem',
    message: `${what} of the world ${worldName(world)} still ${processes.length === 1 ? 'runs' : 'run'}, but its folder is gone: ${names.join(', ')}`,
    remedy: 'run `nearside doctor --fix` to kill them',
    fix: {
      what: `kill ${what} of ${worldName(world)} (SIGKILL; their data is already gone)`,
      run: async () => {
        for (let round = 0; round < 100; round += 1) {
          const alive = processes.filter(isAlive)
          if (alive.length === 0) return
          for (const one of alive) signal(one, 'SIGKILL')
          await sleep(20)
        }
      },
    },
  }
}
