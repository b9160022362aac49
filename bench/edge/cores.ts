import { spawnSync } from 'node:child_process'

/**
 * Runs proxies on some cores and everything else (load, app, fakes) on the others, so that the proxy is the bottleneck
 * and both proxies have as many threads. HAProxy starts one per available core, at most four. A single core is shared.
 */
export type Cores = { proxy: number[]; others: number[]; all: number[] }

const haproxyThreads = 4

export function divideCores(): Cores {
  const all = allowedCores()
  if (all.length === 1) return { proxy: all, others: all, all }
  const count = Math.min(haproxyThreads, all.length >> 1)
  return { proxy: all.slice(0, count), others: all.slice(count), all }
}

/** Moves this process and its future children. */
export function moveTo(cores: readonly number[]): void {
  const { status, stderr } = taskset('-a', '-c', '-p', cores.join(','), String(process.pid))
  if (status !== 0) throw new Error(`taskset: ${stderr}`)
}

function allowedCores(): number[] {
  const { stdout } = taskset('-c', '-p', String(process.pid))
  return parseCores(/: ([\d,-]+)\s*$/.exec(stdout)?.[1] ?? '0')
}

/** Parses `0-3,8`. Pure. */
export function parseCores(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [from, to = from] = part.split('-').map(Number)
    return Array.from({ length: to! - from! + 1 }, (_, index) => from! + index)
  })
}

const taskset = (...args: string[]) => spawnSync('taskset', args, { encoding: 'utf8' })
