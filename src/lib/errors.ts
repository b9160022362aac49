/**
 * An error that a person is meant to read: `code` for programs, `message` with path and expectation, `remedy` with
 * what to do about it. Everything that reaches the terminal is one of these or a defect.
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
