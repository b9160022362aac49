/**
 * An error for a person to read: `code` for programs, `message` with path and expectation, `remedy` with the next
 * step. Anything else that reaches the terminal is a bug.
 */
export class NearsideError extends Error {
  readonly code: string
  readonly remedy: string | undefined

  constructor(code: string, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'NearsideError'
    this.code = code
    this.remedy = options.remedy
  }
}

/** The message of anything thrown, without a stack. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
