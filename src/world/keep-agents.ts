import type { Note } from '../lib/note.ts'
import { startAgent } from './agents.ts'
import type { WorldHandle } from './handle.ts'
import { locked } from './lock.ts'
import { processesOf } from './processes.ts'

/** Minimum time between two starts of the same agent, for agents that crash on start-up. */
const pauseMs = 5000

/**
 * Restarts crashed agents while a foreground `up` runs; call it about once a second. A region in which nothing runs was
 * killed or stopped on purpose and stays untouched. To tell the two apart, it requires an orphaned region in two
 * consecutive samples and in a third one under the world lock. Resolves to the regions whose agent it started.
 */
export function agentKeeper(world: WorldHandle, regions: readonly string[], note: Note) {
  const places = regions.map((name) => ({ name, folder: world.regionFolder(name) }))
  const orphans = () => orphaned(regions, processesOf(world.folder, places))
  const startedAt = new Map<string, number>()
  let before: string[] = []
  return async (now: number): Promise<string[]> => {
    const found = orphans()
    const due = found.filter(
      (name) => before.includes(name) && now - (startedAt.get(name) ?? Number.NEGATIVE_INFINITY) > pauseMs,
    )
    before = found
    if (due.length === 0) return []
    const started = await locked(world.folder, 'up', note, async () => {
      const still = orphans().filter((name) => due.includes(name))
      for (const name of still) {
        startedAt.set(name, now)
        await startAgent(world, world.regions.find((one) => one.name === name)!)
      }
      return still
    })
    return started ?? []
  }
}

/** Regions with running processes but no agent. Pure. */
export function orphaned(
  regions: readonly string[],
  processes: readonly { region: string; name: string }[],
): string[] {
  return regions.filter((region) => {
    const names = processes.filter((one) => one.region === region).map((one) => one.name)
    return names.length > 0 && !names.includes('agent')
  })
}
