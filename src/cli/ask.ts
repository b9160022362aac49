import { createInterface } from 'node:readline/promises'
import { NearsideError } from '../lib/errors.ts'

type Asking = {
  /** `--yes` was given. */
  yes: boolean | undefined
  /** What cannot be done without an answer, for the error. */
  what: string
  input?: NodeJS.ReadStream
  output?: NodeJS.WriteStream
}

/**
 * Asks before something that cannot be undone. Without a terminal there is nobody to ask: that is refused, never
 * taken for a yes. Only "y" and "yes" are a yes.
 */
export async function confirm(
  question: string,
  { yes, what, input = process.stdin, output = process.stderr }: Asking,
): Promise<boolean> {
  if (yes) return true
  if (!input.isTTY || !output.isTTY)
    throw new NearsideError(
      'usage_needs_yes',
      `${what} needs an answer, and there is no terminal to ask on`,
      {
        remedy: 'add --yes if you mean it',
      },
    )
  const lines = createInterface({ input, output })
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `), closed])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}
