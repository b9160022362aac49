import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { NearsideError } from '../../lib/errors.ts'
import type { Note } from '../../lib/note.ts'
import { identify, lookAt } from '../../lib/proc.ts'
import { modulePath } from '../../lib/program.ts'
import type { Region } from '../../topology/regions.ts'
import { insideOf, startAgent, workingAgent } from '../../world/agents.ts'
import { regionNamed, type WorldHandle } from '../../world/handle.ts'
import { killRegions } from '../../world/kill.ts'
import { locked } from '../../world/lock.ts'
import { processesOf } from '../../world/processes.ts'
import { replaceAgent, restartUntilReady } from '../../world/restart.ts'
import { placeOf, stopWorld } from '../../world/stop.ts'
import { databaseDisk } from './fill-disk.ts'
import type { FaultTarget, Links } from './target.ts'

/** A world on this machine as a target of faults. */
export function faultTargetOf(world: WorldHandle, note: Note, links: Links | undefined): FaultTarget {
  const named = (name: string) => regionNamed(world, name)
  const start = (region: Region) =>
    locked(world.folder, 'fault', note, async () => {
      if (!(await workingAgent(world, region))) await startAgent(world, region)
    })
  return {
    folder: world.folder,
    regions: world.regions,
    links,
    regionFolder: world.regionFolder,
    processes: (regions) =>
      processesOf(
        world.folder,
        regions.map((name) => placeOf(world, named(name))),
      ),
    async killRegion(name) {
      await killRegions(world, [named(name)])
    },
    async startRegion(name) {
      await start(named(name))
    },
    restartProcess: (name, process) => restartProcess(world, named(name), process, note),
    async restartRegion(name) {
      await locked(world.folder, 'fault', note, () => stopWorld(world, [named(name)]))
      await start(named(name))
    },
    postmaster(name) {
      const file = join(world.regionFolder(name), databaseDisk, 'main/postmaster.pid')
      try {
        const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
        return lookAt(pid)?.name === 'postgres' ? identify(pid) : undefined
      } catch {
        return undefined
      }
    },
    holdReplay: (name) => replay(world, named(name), 'hold'),
    async resumeReplay(name) {
      await replay(world, named(name), 'resume')
    },
  }
}

const restartMs = 120_000

async function restartProcess(world: WorldHandle, region: Region, name: string, note: Note): Promise<void> {
  if (name === 'agent') {
    await locked(world.folder, 'fault', note, () => replaceAgent(world, region))
    return
  }
  // Other active faults may keep the agent from answering for a while, so only the deadline ends the wait.
  let deadline: number | undefined
  await restartUntilReady(world, region, name, {
    timeoutMs: restartMs,
    async failure() {
      deadline ??= performance.now() + restartMs
      if (performance.now() < deadline) return undefined
      return new NearsideError(
        'process_not_ready',
        `${region.name}/${name} was not ready again within 2 min`,
        {
          remedy: `see \`nearside logs ${region.name} ${name}\``,
        },
      )
    },
  })
}

const replayProgram = modulePath('./replay-child', import.meta.url)

/**
 * Connects to PostgreSQL directly, not through HAProxy. `hold` keeps replay paused, even after Patroni has resumed it,
 * until the returned function is called. Resuming a promoted database is not an error.
 */
async function replay(
  world: WorldHandle,
  region: Region,
  mode: 'hold' | 'resume',
): Promise<() => Promise<void>> {
  const [file, ...words] = [...insideOf(world, region), process.execPath, replayProgram, mode]
  const child = spawn(file!, words, { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = new Promise<void>((resolve) =>
    child.on('close', () => resolve()).on('error', () => resolve()),
  )
  child.stdin.on('error', () => undefined)
  const answer = new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').once('data', (line: string) => resolve(line.trim()))
    void ended.then(() => resolve('no answer'))
  })
  const end = async () => {
    child.stdin.end()
    await ended
  }
  const { ports } = world.record.topology
  const where = { host: region.address, port: ports.postgres, password: world.secrets.superuser }
  // Through standard input, because every user of the machine can read command-line arguments.
  child.stdin.write(`${JSON.stringify(where)}\n`)
  const answered = await answer
  if (answered === 'done' || (answered === 'primary' && mode === 'resume')) {
    if (mode === 'resume') await end()
    return end
  }
  await end()
  throw answered === 'primary'
    ? new NearsideError('fault_primary', `${region.name} holds the primary, which does not replay`)
    : new NearsideError(
        'fault_database_unreachable',
        `${region.name}: the database does not answer: ${answered}`,
        {
          remedy: `see \`nearside logs ${region.name} postgres\``,
        },
      )
}
