import { setTimeout as sleep } from 'node:timers/promises'
import { NearsideError } from '../lib/errors.ts'
import { list } from '../lib/format.ts'
import { signal } from '../lib/proc.ts'
import type { Region } from '../topology/regions.ts'
import type { WorldHandle } from './handle.ts'
import { processesOf, type WorldProcess } from './processes.ts'
import { placeOf } from './stop.ts'

/** Repeats until nothing is left, because a dying parent may still fork. */
export async function killRegions(world: WorldHandle, regions: readonly Region[]): Promise<WorldProcess[]> {
  const killed = new Map<number, WorldProcess>()
  for (let round = 0; round < 100; round += 1) {
    const found = processesOf(
      world.folder,
      regions.map((region) => placeOf(world, region)),
    )
    if (found.length === 0) return [...killed.values()]
    // Agents first: they would restart the others.
    const agentFirst = found.sort((a, b) => Number(b.name === 'agent') - Number(a.name === 'agent'))
    for (const one of agentFirst) {
      signal(one, 'SIGKILL')
      killed.set(one.pid, one)
    }
    await sleep(20)
  }
  throw new NearsideError(
    'kill_failed',
    `${list(regions.map((region) => region.name))}: processes remain after SIGKILL`,
    {
      remedy: 'they are blocked in the kernel (state D in ps), often by a disk',
    },
  )
}
