import pino, { type Logger } from 'pino'

export type { Logger }

/** Buffered while the disk is full; anything beyond is dropped. */
const largestBacklogBytes = 256 * 1024

/**
 * Logs one JSON object per line to standard error. Log lines must never hold a secret. A line that cannot be written is
 * retried with the next one: no work may fail because of its log.
 */
export function logger(fields: Record<string, unknown>): Logger {
  const destination = pino.destination({ dest: 2, sync: true, maxLength: largestBacklogBytes })
  // Without a listener, the error would be thrown in the caller that logs.
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
