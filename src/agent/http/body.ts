import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { NearsideError } from '../../lib/errors.ts'
import { list } from '../../lib/format.ts'

/** Bodies of the agent's API: JSON objects with known keys. The content type is not considered. */

/** A body names a region, a process or a stage. */
const maxBytes = 16 * 1024

export const limitBody = bodyLimit({
  maxSize: maxBytes,
  onError() {
    throw new NearsideError('body_too_large', `body: expected at most ${maxBytes / 1024} KB`)
  },
})

/**
 * The object in the body. Refuses keys other than `keys`: without its misspelt `to`, a switchover would go to another
 * region than the one that was meant.
 */
export async function bodyOf<Name extends string>(
  c: Context,
  keys: readonly Name[],
): Promise<Partial<Record<Name, unknown>>> {
  const text = await c.req.text()
  const form = `{ ${keys.map((key) => `"${key}"`).join(', ')} }`
  const refuse = (got: string) =>
    new NearsideError('body_invalid', `body: expected a JSON object such as ${form}, got ${got}`)
  if (text.trim() === '') throw refuse('nothing')
  const value = parsed(text)
  if (value === undefined) throw refuse('something that is not JSON')
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw refuse(value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`)
  const stranger = Object.keys(value).find((key) => !keys.some((known) => known === key))
  if (stranger !== undefined)
    throw new NearsideError(
      'body_invalid',
      `body: expected no key but ${list(keys)}, got ${JSON.stringify(stranger.slice(0, 60))}`,
    )
  return value
}

/** The error for a key of the body that is missing or not a string. `expected` lists what the key may be. */
export function wrongType(key: string, expected: string, value: unknown): NearsideError {
  const got = value === undefined ? 'nothing' : JSON.stringify(value)
  return new NearsideError('body_invalid', `${key}: expected ${expected}, got ${got}`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
