import type * as z from 'zod'
import { suggest } from '../lib/did-you-mean.ts'
import { given } from './given.ts'
import type { Finding, Key } from './problems.ts'
import { asLabel, asPair, remedyFor, synonyms, unsupported } from './remedies.ts'
import { topologySchema } from './schema.ts'
import { expectation, nodeAt } from './walk.ts'

/** The value at a path of the operator's input. */
function valueAt(input: unknown, at: readonly Key[]): unknown {
  let value = input
  for (const key of at) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<Key, unknown>)[key]
  }
  return value
}

type UnknownKey = { at: Key[]; meant?: string }

/** Translates one of zod's issues into findings, one per wrong key. */
export function translate(
  issue: z.core.$ZodIssue,
  input: unknown,
): { findings: Finding[]; unknown: UnknownKey[] } {
  const at = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(nodeAt(at)?.properties ?? {})
    const written = Object.keys((valueAt(input, at) as object | undefined) ?? {})
    const free = (key: string | undefined) => (key && known.includes(key) ? key : undefined)
    const meantBy = (key: string) =>
      free(synonyms[key.toLowerCase()]) ??
      suggest(
        key,
        known.filter((name) => !written.includes(name)),
      ) ??
      suggest(key, known)
    const unknown = issue.keys.map((key) => {
      const where = [...at, key]
      return { at: where, meant: where.join('.') in unsupported ? undefined : meantBy(key) }
    })
    const findings = unknown.map(({ at: where, meant }) => ({
      at: where,
      message: `unknown key; expected one of ${known.join(', ')}`,
      remedy: meant === undefined ? 'remove it' : `did you mean ${meant}?`,
      ...unsupported[where.join('.')],
    }))
    return { findings, unknown }
  }
  const findings = [finding(issue, at, input)]
  // zod stops at a wrong name, but the region under that name may be wrong as well.
  if (issue.code === 'invalid_key' && at[0] === 'regions' && at.length === 2) {
    const below = topologySchema.shape.regions.valueType.safeParse(valueAt(input, at))
    for (const inner of below.error?.issues ?? [])
      findings.push(...translate({ ...inner, path: [...at, ...inner.path] }, input).findings)
  }
  return { findings, unknown: [] }
}

function finding(issue: z.core.$ZodIssue, at: Key[], input: unknown): Finding {
  if (issue.code === 'invalid_key') {
    const name = String(at.at(-1))
    const expected = issue.issues[0]?.message ?? 'another name'
    const label = at[0] === 'regions' && at.length === 2 ? asLabel(name) : undefined
    const variable = at.at(-2) === 'env' ? name.replace(/\W/g, '_').replace(/^(?=\d)/, '_') : undefined
    const better =
      label ?? (variable === '' ? undefined : variable) ?? (at.at(-2) === 'rttMs' ? asPair(name) : undefined)
    return {
      at,
      message: `expected ${expected}, got ${given(name)}`,
      remedy:
        better === undefined
          ? undefined
          : `name it ${better.includes(' ') ? JSON.stringify(better) : better}`,
    }
  }
  const value = valueAt(input, at)
  const message = `expected ${expected(issue, at, value)}, got ${given(value, at)}`
  return { at, message, remedy: remedyFor(at, value, nodeAt(at)) }
}

/** The expected form of a value, as in the error for a wrong one. */
export function expected(issue: z.core.$ZodIssue, at: readonly Key[], value: unknown): string {
  // Patterns and refinements carry a message of their own in the schema, which is more specific.
  const own = (issue.code === 'invalid_format' && issue.format === 'regex') || issue.code === 'custom'
  const node = nodeAt(at)
  if (issue.code === 'too_small' && value === '') return 'a non-empty string'
  return own || !node ? issue.message : expectation(node)
}
