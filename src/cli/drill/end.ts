import { existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { allPids, isAlive, lookAt, type Process, type ProcessId, signal } from '../../lib/proc.ts'
import { isProgramPath } from '../../lib/program.ts'
import { hasFaultRecords } from '../../world/fault-folder.ts'
import { rehearsalLock } from '../../world/rehearsal-lock.ts'
import type { Output } from '../output.ts'

/** Before a world is stopped, rehearsals in it end as at Ctrl-C: they heal, and say what they have seen. */
type Rehearsal = ProcessId & { what: string }

/** Drills and soaks, at work or waiting for their turn; faults that somebody injects by hand; in a lab simulated users. */
export async function rehearsalsOf(folder: string, labId: string | undefined): Promise<Rehearsal[]> {
  const atTurn = holdersOf(rehearsalLock(folder))
  const users = labId === undefined ? [] : (await processesOfLab(labId)).filter(isUsers)
  return [
    ...atTurn.map((one) => ({ ...whole(one), what: isSoak(one) ? 'a soak' : 'nearside drill' })),
    ...(await byHand(folder, atTurn)).map((one) => ({ ...one, what: 'nearside lab fault' })),
    ...users.map((one) => ({ ...one, what: 'nearside lab users' })),
  ]
}

const isUsers = ({ command }: Process) =>
  command.some((word) => isProgramPath(word, 'cli/main')) &&
  command.includes('lab') &&
  command.includes('users')

const isSoak = ({ command }: Process) => command.some((word) => isProgramPath(word, 'cli/drill/soak'))

/** A soak in a lab is two processes: the one outside has made the world, and takes it down when the other has ended. */
function whole(one: Process): Process {
  const parent = isSoak(one) ? lookAt(one.parent) : undefined
  return parent && isSoak(parent) ? parent : one
}

/** The code of the lab is loaded only for a lab. */
async function processesOfLab(id: string): Promise<Process[]> {
  const { processesIn } = await import('../../lab/network/processes.ts')
  const { labNamespaces } = await import('../../lab/network/remove.ts')
  return processesIn(labNamespaces(id))
}

/** Other processes that have injected faults and not healed them yet. */
async function byHand(folder: string, others: readonly Process[]): Promise<ProcessId[]> {
  if (!hasFaultRecords(folder)) return []
  const { readRecords } = await import('../../lab/faults/record.ts')
  const known = new Set([...others.map(({ pid }) => pid), ...thoseThatWait()])
  const owners = new Map(readRecords(folder).map(({ owner }) => [owner.pid, owner]))
  return [...owners.values()].filter((owner) => !known.has(owner.pid) && isAlive(owner))
}

/** Who has a lock's file open: its holder and those who wait, without the `flock` that each waits by. */
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

/** This process and those that wait for it: a soak takes its own world down. */
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

/** Longer than healing takes, with what a soak needs to take its own world down. */
const patienceMs = 120_000

/** Resolves when they have ended, or after some time: a world can be stopped all the same. */
export async function endRehearsals(
  rehearsals: readonly Rehearsal[],
  output: Pick<Output, 'note'>,
  limitMs = patienceMs,
): Promise<void> {
  for (const one of rehearsals) {
    output.note(`ending ${one.what} (process ${one.pid}), which heals what it has broken`)
    signal(one, 'SIGTERM')
  }
  const deadline = performance.now() + limitMs
  while (rehearsals.some(isAlive) && performance.now() < deadline) await sleep(50)
  for (const one of rehearsals.filter(isAlive))
    output.note(
      `${one.what} (process ${one.pid}) has not ended in ${limitMs / 1000} s; not waited for any longer`,
    )
}
