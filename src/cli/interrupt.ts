import type { Interrupt } from '../world/namespaces/go-inside.ts'
import type { Output } from './output.ts'

const said = {
  stop: 'already stopping: a clean shutdown of the databases can take a minute',
  leave: 'already exiting',
} as const

const message = 'interrupt'

/**
 * Ctrl-C, SIGTERM and a closed terminal all abort once: a second Ctrl-C must not cut short the clean stop that the
 * first one started. A closed terminal makes writes fail, which must not end the process. A parent that forwards its
 * interrupts sends a message; its exit counts as one as well.
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
    // Listening for messages must not keep the process running.
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
