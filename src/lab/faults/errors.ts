import { NearsideError } from '../../lib/errors.ts'

/** A usage error with the expectation and a remedy. */
export const usage = (code: string, message: string, remedy?: string) =>
  new NearsideError(`usage_${code}`, message, { remedy })

export const nothingThere = (effect: string) =>
  new NearsideError('fault_nothing_there', `${effect}: no such process is running`, {
    remedy: 'see `nearside status --verbose` for the processes',
  })
