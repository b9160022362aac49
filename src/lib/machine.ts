import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

/** Limits of this machine and process. */

/** Parses /proc/self/limits for the hard limit of open files. Undefined when it has another form. Pure. */
export function parseOpenFiles(text: string): number | undefined {
  const found = /^Max open files\s+(?:\d+|unlimited)\s+(\d+|unlimited)/m.exec(text)?.[1]
  return found === undefined ? undefined : found === 'unlimited' ? Infinity : Number(found)
}

/** What a process that this one starts may use. */
export function thisMachine(): { openFiles: number; memoryBytes: number } {
  return {
    openFiles: parseOpenFiles(readFileSync('/proc/self/limits', 'utf8')) ?? 1024,
    memoryBytes: Math.min(totalmem(), cgroupBytes() ?? Infinity),
  }
}

/** The limit of the outermost container, if it has one. */
function cgroupBytes(): number | undefined {
  try {
    const text = readFileSync('/sys/fs/cgroup/memory.max', 'utf8').trim()
    return /^\d+$/.test(text) ? Number(text) : undefined
  } catch {
    return undefined
  }
}
