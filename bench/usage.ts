import { readFileSync } from 'node:fs'
import { type ProcessId, withDescendants } from '../src/lib/proc.ts'
import { commandName } from '../test/support/world/processes.ts'

/** Resource use of a world's processes, from /proc. */

export type Usage = { pid: number; group: string; cpuSeconds: number }

/** `getconf CLK_TCK`, which is 100 on all supported systems. */
const ticksPerSecond = 100

/** By program name, which the kernel limits to 15 bytes. */
const groups: [RegExp, string][] = [
  [/^etcd/, 'etcd'],
  [/^haproxy/, 'haproxy'],
  [/^(varnish|cache-)/, 'varnish'],
  [/^knot/, 'knot'],
  [/^redis/, 'redis'],
  [/^(patroni|python)/, 'patroni'],
  [/^postgres/, 'postgres'],
  [/^bwrap/, 'sandboxes'],
]

/**
 * CPU time including exited children, so that the difference of two samples includes short commands and database
 * sessions in between.
 */
export function usageOf(processes: readonly ProcessId[]): Usage[] {
  return processes.flatMap(({ pid }) => {
    const ticks = ticksOf(pid)
    return ticks === undefined ? [] : [{ pid, group: groupOf(pid), cpuSeconds: ticks / ticksPerSecond }]
  })
}

/** Proportional set size by group. Processes that exit meanwhile count as 0. */
export function memoryByGroup(processes: readonly ProcessId[]): Map<string, number> {
  const megabytes = new Map<string, number>()
  for (const { pid } of processes) {
    try {
      const { proportionalMb } = memoryOf(pid)
      const group = groupOf(pid)
      megabytes.set(group, (megabytes.get(group) ?? 0) + proportionalMb)
    } catch {
      // It has just exited.
    }
  }
  return megabytes
}

/** CPU seconds by group between two samples. */
export function usedBetween(before: readonly Usage[], after: readonly Usage[]): Map<string, number> {
  const used = new Map<string, number>()
  for (const [sign, looks] of [
    [-1, before],
    [1, after],
  ] as const)
    for (const { group, cpuSeconds } of looks) used.set(group, (used.get(group) ?? 0) + sign * cpuSeconds)
  return used
}

/** CPU seconds of processes and their descendants. */
export function cpuSecondsOf(pids: readonly number[]): number {
  return withDescendants(pids).reduce((sum, pid) => sum + (ticksOf(pid) ?? 0) / ticksPerSecond, 0)
}

/** Of one process and its exited children. */
function ticksOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  } catch {
    return undefined
  }
}

/** Resident and proportional set size in MB (10^6 bytes). */
export function memoryOf(pid: number): { residentMb: number; proportionalMb: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const megabytes = (key: string) =>
    (Number(new RegExp(`^${key}: *(\\d+) kB`, 'm').exec(text)?.[1]) * 1024) / 1e6
  return { residentMb: megabytes('Rss'), proportionalMb: megabytes('Pss') }
}

function groupOf(pid: number): string {
  const name = commandName(pid)
  const known = groups.find(([pattern]) => pattern.test(name))
  if (known) return known[1]
  return commandLine(pid).includes('/agent/main.ts') ? 'agents' : 'app'
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
