import type { Interrupt } from '../world/namespaces/go-inside.ts'
import type { Output } from './output.ts'

const said = {
  stop: 'already stopping: databases are closed cleanly, which can take a minute',
  leave: 'leaving',
} as const

const message = 'interrupt'

/**
 * Ctrl-C, SIGTERM and a closed terminal all mean the same, and only once: a second Ctrl-C must not cut short the clean
 * stop that the first one began. When the terminal is gone nothing can be shown any more; that must not end us either.
 * A parent that handed its interruptions to us tells us of them, and by its end.
 */
export function onInterrupt(output: Output, how: keyof typeof said): Interrupt {
  const controller = new AbortController()
  let handedOn = false
  const interrupt = () => {
    if (!controller.signal.aborted) return controller.abort()
    if (!handedOn) output.note(said[how])
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners('error')
    stream.on('error', () => controller.abort())
  }
  if (process.channel) {
    process.on('message', (told) => {
      if (told === message) controller.abort()
    })
    process.on('disconnect', () => controller.abort())
    // Waiting for its words is no work that keeps a process.
    process.channel.unref()
  }
  return {
    signal: controller.signal,
    handTo(child) {
      handedOn = true
      const tell = () => void (child.connected && child.send(message, () => {}))
      if (controller.signal.aborted) tell()
      else controller.signal.addEventListener('abort', tell, { once: true })
    },
  }
}
