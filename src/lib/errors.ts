/**
 * An error for a person to read: `code` for programs, `message` with path and expectation, `remedy` with the next
 * step. Anything else that reaches the terminal is a bug.
 */
export class NearsideError extends Error {
  readonly code: string
  readonly remedy: string | undefined
  /** Lines that support the message. Shown below the remedy, so that a long list does not hide it. */
  readonly details: readonly string[]

  constructor(
    code: string,
    message: string,
    options: { remedy?: string; details?: readonly string[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'NearsideError'
    this.code = code
    this.remedy = options.remedy
    this.details = options.details ?? []
  }
}

/** The message of anything thrown, without a stack. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
