import { existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { allPids, isAlive, lookAt, type Process, type ProcessId, signal } from '../../lib/proc.ts'
import { isProgramPath } from '../../lib/program.ts'
import { hasFaultRecords } from '../../world/fault-folder.ts'
import { rehearsalLock } from '../../world/rehearsal-lock.ts'
import type { Output } from '../output.ts'

/** A rehearsal in a world that is about to stop. It must end first, as on Ctrl-C, to heal and report. */
type Rehearsal = ProcessId & { what: string }

/** Drills and soaks, running or waiting for the lock; manually injected faults; simulated users in a lab. */
export async function rehearsalsOf(folder: string, labId: string | undefined): Promise<Rehearsal[]> {
  const inQueue = holdersOf(rehearsalLock(folder))
  const users = labId === undefined ? [] : (await processesOfLab(labId)).filter(isUsers)
  return [
    ...inQueue.map((one) => ({ ...whole(one), what: isSoak(one) ? 'a soak' : 'nearside drill' })),
    ...(await byHand(folder, inQueue)).map((one) => ({ ...one, what: 'nearside lab fault' })),
    ...users.map((one) => ({ ...one, what: 'nearside lab users' })),
  ]
}

const isUsers = ({ command }: Process) =>
  command.some((word) => isProgramPath(word, 'cli/main')) &&
  command.includes('lab') &&
  command.includes('users')

const isSoak = ({ command }: Process) => command.some((word) => isProgramPath(word, 'cli/drill/soak'))

/** A soak in a lab has two processes: the outer one created the world, and removes it once the inner one exits. */
function whole(one: Process): Process {
  const parent = isSoak(one) ? lookAt(one.parent) : undefined
  return parent && isSoak(parent) ? parent : one
}

/** Loads lab code only for a lab. */
async function processesOfLab(id: string): Promise<Process[]> {
  const { processesIn } = await import('../../lab/network/processes.ts')
  const { labNamespaces } = await import('../../lab/network/remove.ts')
  return processesIn(labNamespaces(id))
}

/** Other processes with active faults. */
async function byHand(folder: string, others: readonly Process[]): Promise<ProcessId[]> {
  if (!hasFaultRecords(folder)) return []
  const { readRecords } = await import('../../lab/faults/record.ts')
  const known = new Set([...others.map(({ pid }) => pid), ...thoseThatWait()])
  const owners = new Map(readRecords(folder).map(({ owner }) => [owner.pid, owner]))
  return [...owners.values()].filter((owner) => !known.has(owner.pid) && isAlive(owner))
}

/** Processes that have a lock file open: the holder and those waiting, without their `flock` helpers. */
function holdersOf(file: string): Process[] {
  if (!existsSync(file)) return []
  const path = realpathSync(file)
  const waiting = thoseThatWait()
  return allPids().flatMap((pid) => {
    if (waiting.has(pid) || !hasOpen(pid, path)) return []
    const one = lookAt(pid)
    return one && one.name !== 'flock' ? [one] : []
  })
}

/** This process and its ancestors: a soak stops its own world. */
function thoseThatWait(): Set<number> {
  const found = new Set([process.pid])
  for (let pid = process.ppid; pid > 1 && !found.has(pid); pid = lookAt(pid)?.parent ?? 0) found.add(pid)
  return found
}

function hasOpen(pid: number, path: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`) === path
      } catch {
        return false
      }
    })
  } catch {
    return false
  }
}

/** Longer than healing takes, including the time a soak needs to remove its own world. */
const exitTimeoutMs = 120_000

/** Resolves when they have exited, or after the limit: the world can be stopped anyway. */
export async function endRehearsals(
  rehearsals: readonly Rehearsal[],
  output: Pick<Output, 'note'>,
  limitMs = exitTimeoutMs,
): Promise<void> {
  for (const one of rehearsals) {
    output.note(`stopping ${one.what} (process ${one.pid}), which heals its faults first`)
    signal(one, 'SIGTERM')
  }
  const deadline = performance.now() + limitMs
  while (rehearsals.some(isAlive) && performance.now() < deadline) await sleep(50)
  for (const one of rehearsals.filter(isAlive))
    output.note(
      `${one.what} (process ${one.pid}) did not exit within ${limitMs / 1000} s; continuing without it`,
    )
}
