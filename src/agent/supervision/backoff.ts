export type Backoff = {
  /** The first pause; each further one is twice as long, up to `longestMs`. */
  firstMs: number
  longestMs: number
  /** Pause after `giveUpAfter` failures in a row, and after every failure from then on. */
  givenUpMs: number
}

export const defaultBackoff: Backoff = { firstMs: 250, longestMs: 15_000, givenUpMs: 60_000 }

const giveUpAfter = 12

/**
 * Pause before the next start of a process that has failed this many times in a row. Zero failures means that it ran
 * for long enough before this one, so it restarts immediately. A process that was given up is still retried, because
 * the cause may go away without an operator.
 */
export function afterFailure(
  failures: number,
  { firstMs, longestMs, givenUpMs }: Backoff,
): { event: 'fail' | 'exhaust'; pauseMs: number } {
  if (failures >= giveUpAfter) return { event: 'exhaust', pauseMs: givenUpMs }
  const pauseMs = failures > 0 ? Math.min(longestMs, firstMs * 2 ** (failures - 1)) : 0
  return { event: 'fail', pauseMs }
}
