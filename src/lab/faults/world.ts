import { spawn } from 'node:child_process'
import { NearsideError } from '../../lib/errors.ts'
import type { Note } from '../../lib/note.ts'
import { identify } from '../../lib/proc.ts'
import { modulePath } from '../../lib/program.ts'
import { findLab, openWorldHere, type WorldOptions, worldOf } from '../../world/find.ts'
import type { WorldHandle } from '../../world/handle.ts'
import { isHere } from '../../world/here.ts'
import type { Shaper } from '../wan/index.ts'
import { dropFaults, type Healed, healLeft } from './left.ts'
import { readRecords } from './record.ts'
import { describeHealing, what } from './say.ts'
import type { FaultTarget, Links } from './target.ts'
import { faultTargetOf } from './world-target.ts'

/** The lab that the options mean, or, where there is none, the world. */
export async function rehearsedWorld(options: WorldOptions): Promise<WorldHandle> {
  let folder: string
  try {
    folder = findLab(options, process.cwd())
  } catch (error) {
    if (!(error instanceof NearsideError) || error.code !== 'lab_not_found') throw error
    return worldOf(options)
  }
  return openWorldHere(folder)
}

/** Is this a world that may be broken: a lab, or one whose regions are all on this machine? */
export function rehearsalGround(world: WorldHandle): 'lab' | 'local' | 'elsewhere' {
  if (world.record.lab) return 'lab'
  return world.regions.every((region) => isHere(world, region)) ? 'local' : 'elsewhere'
}

export function mustBeRehearsalGround(world: WorldHandle, override: boolean | undefined): void {
  if (override || rehearsalGround(world) !== 'elsewhere') return
  throw new NearsideError(
    'not_a_rehearsal',
    `${world.name}: has regions that are neither in a lab nor on this machine; faults there would meet real users`,
    {
      remedy:
        'rehearse in a lab (nearside lab up), or add --i-know-this-is-production: only what runs on this machine can be broken',
    },
  )
}

export async function openFaultTarget(world: WorldHandle, note: Note): Promise<FaultTarget> {
  return faultTargetOf(world, note, world.record.lab ? await labLinks(world) : undefined)
}

/** The lab's network; loaded only where there is one. */
async function labLinks(world: WorldHandle): Promise<Links> {
  const { labOf } = await import('../lab.ts')
  const lab = labOf(world)
  const withShaper = async <T>(work: (shaper: Shaper) => Promise<T>): Promise<T> => {
    const shaper = await lab.wan()
    try {
      return await work(shaper)
    } finally {
      shaper.close()
    }
  }
  return {
    now: () => withShaper((shaper) => shaper.params()),
    set: (links) => withShaper((shaper) => shaper.set(links)),
  }
}

const guardProgram = modulePath('./guard-child', import.meta.url)

/** From now on faults of this process are healed when it ends, also by SIGKILL. `release` when none is left. */
export function startGuard(world: WorldHandle): { release: () => void } {
  const me = identify(process.pid)!
  const args = ['--world', world.folder, '--pid', String(me.pid), '--ticks', String(me.startTicks)]
  const child = spawn(process.execPath, [guardProgram, ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  child.on('error', () => undefined)
  child.stdin.on('error', () => undefined)
  child.unref()
  ;(child.stdin as unknown as { unref(): void }).unref()
  return { release: () => void child.stdin.end() }
}

/** Every command that touches a world mends first what an earlier one has left broken, and says so. */
export async function healLeftFaults(
  world: WorldHandle,
  note: Note,
  {
    starting = false,
  }: { /** Dead regions are about to be started by the caller. */ starting?: boolean } = {},
): Promise<Healed[]> {
  if (readRecords(world.folder).length === 0) return []
  const target = await openFaultTarget(world, note)
  const healed = await healLeft(starting ? { ...target, startRegion: async () => undefined } : target)
  for (const { fault, error } of healed)
    note(
      error === undefined
        ? `healed what an earlier command left: ${describeHealing(fault) ?? what(fault)}`
        : `not healed: ${what(fault)}: ${error}`,
    )
  return healed
}

/** Before a world is stopped; see `dropFaults`. */
export async function dropWorldFaults(world: WorldHandle, note: Note): Promise<void> {
  if (readRecords(world.folder).length > 0) await dropFaults(faultTargetOf(world, note, undefined))
}
