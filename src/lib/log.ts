import pino, { type Logger } from 'pino'

export type { Logger }

/** Kept back while the disk is full; what is more is dropped. */
const largestBacklogBytes = 256 * 1024

/**
 * One JSON object a line on standard error; nothing that is logged may hold a secret. A line that cannot be written is
 * tried again with the next one: nobody's work depends on having been noted down.
 */
export function logger(fields: Record<string, unknown>): Logger {
  const destination = pino.destination({ dest: 2, sync: true, maxLength: largestBacklogBytes })
  // Without a listener the failure would be thrown at whoever logs.
  destination.on('error', () => undefined)
  return pino(
    {
      base: fields,
      level: process.env.NEARSIDE_LOG_LEVEL ?? 'info',
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    destination,
  )
}
