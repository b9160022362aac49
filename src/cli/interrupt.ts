import type { Output } from './output.ts'

export type Interrupt = { signal: AbortSignal }

const said = {
  stop: 'already stopping: databases are closed cleanly, which can take a minute',
  leave: 'leaving',
} as const

/**
 * Ctrl-C, SIGTERM and a closed terminal all mean the same, and only once: a second Ctrl-C must not cut short the clean
 * stop that the first one began. When the terminal is gone nothing can be shown any more; that must not end us either.
 */
export function onInterrupt(output: Output, how: keyof typeof said): Interrupt {
  const controller = new AbortController()
  const interrupt = () => {
    if (controller.signal.aborted) return output.note(said[how])
    controller.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners('error')
    stream.on('error', () => controller.abort())
  }
  return { signal: controller.signal }
}
