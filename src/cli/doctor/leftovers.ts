import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { worldFile } from '../../agent/layout.ts'
import { allPids, isAlive, lookAt, type Process, signal } from '../../lib/proc.ts'
import { count, list } from '../format.ts'
import { originOf, worldName } from '../origin.ts'
import { agentAt } from '../residents.ts'
import { type Finding, ok } from './finding.ts'

export type Left = {
  world: string
  exists: boolean
  regions: Map<string, { agent: boolean; processes: Process[] }>
}

/** Processes of worlds on this machine, of whatever world: those whose world is gone, and those without an agent. */
export function leftoverFindings(): Finding[] {
  return judgeLeftovers(worldsHere())
}

function worldsHere(): Left[] {
  const worlds = new Map<string, Left>()
  for (const one of allPids().flatMap((pid) => lookAt(pid) ?? [])) {
    const origin = originOf(one)
    if (!origin || one.pid === process.pid) continue
    const world = worlds.get(origin.world) ?? {
      world: origin.world,
      exists: !isGone(worldFile(origin.world)),
      regions: new Map(),
    }
    const region = world.regions.get(origin.region) ?? { agent: false, processes: [] }
    region.processes.push(one)
    region.agent ||= agentAt(one) !== undefined
    world.regions.set(origin.region, region)
    worlds.set(origin.world, world)
  }
  return [...worlds.values()]
}

/** Another user's world may not be looked at; that is no sign of its death. */
function isGone(path: string): boolean {
  try {
    statSync(path)
    return false
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
  }
}

export function judgeLeftovers(worlds: readonly Left[]): Finding[] {
  const findings = worlds.flatMap(({ world, exists, regions }): Finding[] => {
    const all = [...regions.values()].flatMap((region) => region.processes)
    if (!exists) return [dead(world, all)]
    const alone = [...regions].filter(([, region]) => !region.agent).map(([name]) => name)
    if (alone.length === 0) return []
    return [
      {
        check: 'leftovers',
        state: 'warning',
        message: `${list(alone)} of the world ${worldName(world)} run without an agent: nothing is restarted there`,
        remedy: 'in the folder of its topology file: nearside up, or nearside down',
      },
    ]
  })
  return findings.length > 0
    ? findings
    : [ok('leftovers', `${count(worlds.length, 'world')} on this machine, no processes of dead ones`)]
}

function dead(world: string, processes: readonly Process[]): Finding {
  const names = [...new Set(processes.map((one) => (agentAt(one) ? 'agent' : one.name)))].sort()
  const what = count(processes.length, 'process', 'processes')
  return {
    check: 'leftovers',
    state: 'problem',
    message: `${what} of the world ${worldName(world)}, whose folder is gone: ${names.join(', ')}`,
    remedy: 'nearside doctor --fix ends them',
    fix: {
      what: `end ${what} of ${worldName(world)} (SIGKILL; their data is gone already)`,
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
