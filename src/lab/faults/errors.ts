import { NearsideError } from '../../lib/errors.ts'

/** Wrong usage: what was expected, and what to type instead. */
export const usage = (code: string, message: string, remedy?: string) =>
  new NearsideError(`usage_${code}`, message, { remedy })

export const nothingThere = (effect: string) =>
  new NearsideError('fault_nothing_there', `${effect}: no such process is running`, {
    remedy: 'nearside status --verbose lists the processes',
  })
