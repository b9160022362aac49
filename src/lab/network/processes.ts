import { setTimeout as sleep } from 'node:timers/promises'
import {
  allPids,
  isAlive,
  lookAt,
  type Process,
  selfAndAncestors,
  signal,
  withDescendants,
} from '../../lib/proc.ts'
import { numberOf, numberOfProcess } from '../../world/namespaces/enter.ts'

export type LabProcess = Process & { namespace: string }

/** All processes in these namespaces except this one, its ancestors and its descendants. */
export function processesIn(namespaces: readonly string[]): LabProcess[] {
  const numbers = new Map(
    namespaces.flatMap((name) => {
      const number = numberOf(name)
      return number === undefined ? [] : [[number, name] as const]
    }),
  )
  if (numbers.size === 0) return []
  const ours = new Set([...selfAndAncestors(), ...withDescendants([process.pid])])
  return allPids()
    .filter((pid) => !ours.has(pid))
    .flatMap((pid) => {
      const namespace = numbers.get(numberOfProcess(pid) ?? -1)
      const one = namespace === undefined ? undefined : lookAt(pid)
      return one ? [{ ...one, namespace: namespace! }] : []
    })
}

/** Sends SIGTERM, then SIGKILL. Resolves to the processes it had to stop once none of them remains. */
export async function endAll(find: () => readonly Process[], graceMs: number): Promise<Process[]> {
  const ended = new Map<number, Process>()
  const deadline = performance.now() + graceMs
  for (const one of find()) signal(one, 'SIGTERM')
  for (;;) {
    const left = find()
    for (const one of left) ended.set(one.pid, one)
    if (left.length === 0) return [...ended.values()]
    if (performance.now() > deadline) for (const one of left) if (isAlive(one)) signal(one, 'SIGKILL')
    // A process blocked in the kernel by a disk cannot be killed.
    if (performance.now() > deadline + 10_000) return [...ended.values()]
    await sleep(20)
  }
}
