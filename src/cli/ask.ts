import { createInterface } from 'node:readline/promises'
import { NearsideError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'

type Asking = {
  /** Set by `--yes`. */
  yes: boolean | undefined
  /** Names the action in the error. */
  what: string
  input?: NodeJS.ReadStream
  output?: NodeJS.WriteStream
}

/**
 * Asks for confirmation of something that cannot be undone. Without a terminal it fails instead of assuming yes. Only
 * "y" and "yes" confirm.
 */
export async function confirm(
  question: string,
  { yes, what, input = process.stdin, output = process.stderr }: Asking,
): Promise<boolean> {
  if (yes) return true
  if (!input.isTTY || !output.isTTY)
    throw new NearsideError('usage_needs_yes', `${what} needs confirmation, but there is no terminal`, {
      remedy: 'add --yes to confirm',
    })
  const lines = createInterface({ input, output })
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  try {
    const answer = await Promise.race([lines.question(`${printable(question)} [y/N] `), closed])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}
