import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, isStopped, signal } from '../../lib/proc.ts'
import type { FaultTarget, WorldProcess } from './target.ts'
import type { Fault } from './types.ts'

/** Undefined: a whole region. */
type Choice = { region: string; process?: string | RegExp }

const appInstance = /^app-\d+$/

/** Which processes a fault keeps stopped. Pure. */
export function stoppedBy(fault: Fault): Choice[] {
  if (fault.kind === 'pause-process') return [{ region: fault.region, process: fault.process }]
  if (fault.kind === 'pause-region') return [{ region: fault.region }]
  if (fault.kind === 'app-hang') return [{ region: fault.region, process: appInstance }]
  if (fault.kind === 'etcd-quorum')
    return fault.members.map((region): Choice => ({ region, process: 'etcd' }))
  return []
}

/** `postmaster`: PostgreSQL's own first process, which is one of the process `postgres`. */
function isMeant(target: FaultTarget, { region, process }: Choice, one: WorldProcess): boolean {
  if (one.region !== region) return false
  if (process === 'postmaster') return target.postmaster(region)?.pid === one.pid
  return (
    process === undefined || (typeof process === 'string' ? one.name === process : process.test(one.name))
  )
}

export function chosen(target: FaultTarget, choices: readonly Choice[]): WorldProcess[] {
  const regions = [...new Set(choices.map(({ region }) => region))]
  if (regions.length === 0) return []
  return target.processes(regions).filter((one) => choices.some((choice) => isMeant(target, choice, one)))
}

const rounds = 200
const betweenMs = 10

/** Again and again until nothing that is meant runs: a process may be born while its parent is stopped. */
export async function stop(target: FaultTarget, choices: readonly Choice[]): Promise<WorldProcess[]> {
  for (let round = 0; round < rounds; round += 1) {
    const all = chosen(target, choices)
    const running = all.filter((one) => isAlive(one) && !isStopped(one))
    if (running.length === 0) return all
    // The agent first: it would take what stands still for what is ill.
    for (const one of running.sort(agentFirst)) signal(one, 'SIGSTOP')
    await sleep(betweenMs)
  }
  return chosen(target, choices)
}

/** Lets everything go on that is meant and that no other fault holds; what those hold may change meanwhile. */
export async function goOn(
  target: FaultTarget,
  choices: readonly Choice[],
  heldBy: () => readonly Choice[],
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
    // The agent last: it shall find everything at work.
    for (const one of stopped.sort((a, b) => agentFirst(b, a))) signal(one, 'SIGCONT')
    await sleep(betweenMs)
  }
}

/** SIGKILL for the process and its kin; resolves to what it hit, when that is gone. */
export async function kill(target: FaultTarget, region: string, name: string): Promise<WorldProcess[]> {
  const found = chosen(target, [{ region, process: name }])
  // Its own first process before its helpers, or it would tidy up after them.
  for (const one of found.sort((a, b) => Number(b.main) - Number(a.main))) signal(one, 'SIGKILL')
  for (let round = 0; found.some(isAlive) && round < rounds; round += 1) await sleep(betweenMs)
  return found
}

const agentFirst = (a: WorldProcess, b: WorldProcess) =>
  Number(b.name === 'agent') - Number(a.name === 'agent')
