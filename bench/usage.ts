import { readFileSync } from 'node:fs'
import { type ProcessId, withDescendants } from '../src/lib/proc.ts'
import { commandName } from '../test/support/world/processes.ts'

/** What a world's processes use, as /proc shows it. */

export type Usage = { pid: number; group: string; cpuSeconds: number }

/** `getconf CLK_TCK`, which is 100 on every Linux that we run on. */
const ticksPerSecond = 100

/** By the program's name as the kernel has it (at most 15 bytes). */
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
 * CPU time with that of children that have ended and been waited for: so the difference of two looks holds what short
 * commands and database sessions used in between, whether or not any look has seen them.
 */
export function usageOf(processes: readonly ProcessId[]): Usage[] {
  return processes.flatMap(({ pid }) => {
    const ticks = ticksOf(pid)
    return ticks === undefined ? [] : [{ pid, group: groupOf(pid), cpuSeconds: ticks / ticksPerSecond }]
  })
}

/** By group, pages that several share in equal parts. Processes that end meanwhile count as nothing. */
export function memoryByGroup(processes: readonly ProcessId[]): Map<string, number> {
  const megabytes = new Map<string, number>()
  for (const { pid } of processes) {
    try {
      const { proportionalMb } = memoryOf(pid)
      const group = groupOf(pid)
      megabytes.set(group, (megabytes.get(group) ?? 0) + proportionalMb)
    } catch {
      // It has just ended.
    }
  }
  return megabytes
}

/** CPU seconds by group between two looks. */
export function usedBetween(before: readonly Usage[], after: readonly Usage[]): Map<string, number> {
  const used = new Map<string, number>()
  for (const [sign, looks] of [
    [-1, before],
    [1, after],
  ] as const)
    for (const { group, cpuSeconds } of looks) used.set(group, (used.get(group) ?? 0) + sign * cpuSeconds)
  return used
}

/** Of programs with everything below them. */
export function cpuSecondsOf(pids: readonly number[]): number {
  return withDescendants(pids).reduce((sum, pid) => sum + (ticksOf(pid) ?? 0) / ticksPerSecond, 0)
}

/** Of one process and its ended children. */
function ticksOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  } catch {
    return undefined
  }
}

/** WorldProcess: all that it has in memory. Proportional: pages that it shares count in part. In MB (10^6 bytes). */
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
