import pino, { type Logger } from 'pino'

export type { Logger }

/** One JSON object a line on standard error; nothing that is logged may hold a secret. */
export function logger(fields: Record<string, unknown>): Logger {
  return pino(
    {
      base: fields,
      level: process.env.NEARSIDE_LOG_LEVEL ?? 'info',
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: 2, sync: true }),
  )
}
