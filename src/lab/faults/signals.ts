import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, isStopped, signal } from '../../lib/proc.ts'
import type { WorldProcess } from '../../world/processes.ts'
import type { FaultTarget, ProcessChoice } from './target.ts'

/** `postmaster` is PostgreSQL's first process. It belongs to the process `postgres`, whose main process is Patroni. */
function isMeant(target: FaultTarget, { region, process }: ProcessChoice, one: WorldProcess): boolean {
  if (one.region !== region) return false
  if (process === 'postmaster') return target.postmaster(region)?.pid === one.pid
  return (
    process === undefined || (typeof process === 'string' ? one.name === process : process.test(one.name))
  )
}

export function chosen(target: FaultTarget, choices: readonly ProcessChoice[]): WorldProcess[] {
  const regions = [...new Set(choices.map(({ region }) => region))]
  if (regions.length === 0) return []
  return target.processes(regions).filter((one) => choices.some((choice) => isMeant(target, choice, one)))
}

const rounds = 200
const betweenMs = 10

/** Repeats until none of the chosen processes runs: a parent may fork while it is being stopped. */
export async function stop(target: FaultTarget, choices: readonly ProcessChoice[]): Promise<WorldProcess[]> {
  for (let round = 0; round < rounds; round += 1) {
    const all = chosen(target, choices)
    const running = all.filter((one) => isAlive(one) && !isStopped(one))
    if (running.length === 0) return all
    // The agent goes first, or it would treat stopped processes as unhealthy.
    for (const one of running.sort(agentFirst)) signal(one, 'SIGSTOP')
    await sleep(betweenMs)
  }
  return chosen(target, choices)
}

/** Continues the chosen processes except those in `heldBy`, which may change while this runs. */
export async function resume(
  target: FaultTarget,
  choices: readonly ProcessChoice[],
  heldBy: () => readonly ProcessChoice[],
): Promise<void> {
  const free = () => {
    const held = heldBy()
    return chosen(target, choices).filter(
      (one) => isStopped(one) && !held.some((choice) => isMeant(target, choice, one)),
    )
  }
  for (let round = 0; round < rounds; round += 1) {
    const stopped = free()
    if (stopped.length === 0) return
    // The agent goes last, so that it finds everything running.
    for (const one of stopped.sort((a, b) => agentFirst(b, a))) signal(one, 'SIGCONT')
    await sleep(betweenMs)
  }
}

/** SIGKILL for a process and its children. Resolves to those it hit, once they are gone. */
export async function kill(target: FaultTarget, region: string, name: string): Promise<WorldProcess[]> {
  const found = chosen(target, [{ region, process: name }])
  // The main process goes first, or it would clean up after its helpers.
  for (const one of found.sort((a, b) => Number(b.main) - Number(a.main))) signal(one, 'SIGKILL')
  for (let round = 0; found.some(isAlive) && round < rounds; round += 1) await sleep(betweenMs)
  return found
}

const agentFirst = (a: WorldProcess, b: WorldProcess) =>
  Number(b.name === 'agent') - Number(a.name === 'agent')
