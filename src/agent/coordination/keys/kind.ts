import type * as z from 'zod'
import type { KeyValue } from '../../../lib/etcd/wire.ts'

/**
 * What all keys below /nearside/<world>/ have in common. Each is parsed by itself, so a value that somebody damaged, or
 * that another version wrote, is skipped and named instead of stopping every agent.
 */

/** A value that could not be used. */
export type Damage = {
  key: string
  /** Never quotes the value. */
  why: string
  /** Who replaces the value, and when; absent if nobody does. */
  until?: string
}

/** `partly`: why a part of the value was left out. */
export type Reading<T> = { value: T; partly?: string } | { damaged: string }

export type KeyKind<T> = {
  /** Below the world's root. Ends with `/` when it holds one key for each name. */
  readonly path: string
  read(kv: Pick<KeyValue, 'value'>): Reading<T>
  /** See `Damage`. */
  until?(name: string): string
}

export const worldRoot = (world: string) => `/nearside/${world}/`

/** The name that a key has within its kind; undefined when the key is of another kind. */
export function nameIn(
  { path }: Pick<KeyKind<unknown>, 'path'>,
  root: string,
  key: string,
): string | undefined {
  if (!key.startsWith(root + path)) return undefined
  const name = key.slice(root.length + path.length)
  if (!path.endsWith('/')) return name === '' ? name : undefined
  // Another version may keep something below a name; that is no key of this kind.
  return name === '' || name.includes('/') ? undefined : name
}

/** Nearside writes a few kB. Parsing megabytes in every cycle would delay decisions. */
const maxLength = 256 * 1024
/** A deeper value would overflow the stack of whoever prints it. */
const maxDepth = 32

/** Parses JSON by a schema. Fields that the schema does not name are dropped. */
export function parseJsonBy<T>(schema: z.ZodType<T>, text: string): Reading<T> {
  if (text.length > maxLength) return { damaged: `longer than ${maxLength / 1024} kB` }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { damaged: 'not JSON' }
  }
  if (isDeeper(json, maxDepth)) return { damaged: `nested more than ${maxDepth} levels deep` }
  return parseBy(schema, json)
}

export function parseBy<T>(schema: z.ZodType<T>, value: unknown): Reading<T> {
  const parsed = schema.safeParse(value)
  return parsed.success ? { value: parsed.data } : { damaged: firstIssue(parsed.error) }
}

/** Such as `state: Invalid option: expected one of "healthy"|"unhealthy"`. Names from the value itself are cut. */
function firstIssue({ issues }: z.ZodError): string {
  const [first] = issues
  if (first === undefined) return 'not of the expected form'
  const path = first.path.map(String).join('.').slice(0, 80)
  return path === '' ? first.message : `${path}: ${first.message}`
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((one) => isDeeper(one, levels - 1))
}
