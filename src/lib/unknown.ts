import { NearsideError } from './errors.ts'
import { suggest } from './suggest.ts'

/** A name that was given wrongly: says what there is and what was probably meant. */
export function unknown(what: string, name: string, known: readonly string[]): never {
  const meant = suggest(name, known)
  const expected = known.length === 1 ? known[0] : `${known.slice(0, -1).join(', ')} or ${known.at(-1)}`
  throw new NearsideError(
    `usage_${what}_unknown`,
    `${what}: expected ${expected}, got ${JSON.stringify(name)}`,
    meant === undefined ? {} : { remedy: `did you mean ${meant}?` },
  )
}
