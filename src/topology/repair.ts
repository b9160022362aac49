import type { Key } from './problems.ts'
import { type Topology, topologySchema } from './schema.ts'
import { translate } from './translate.ts'

/**
 * What the schema refused is taken out, so that the rules over several fields can still look at the rest and all
 * problems are reported at once. The result is for those rules only; it is never run.
 */

type Json = { [key: string]: unknown }

const placeholders: [pattern: string, value: () => unknown][] = [
  ['name', () => 'world'],
  ['domain', () => 'world.example.com'],
  ['regions', () => ({})],
  ['regions.*', () => ({ location: { lat: 0, lon: 0 } })],
  ['regions.*.location', () => ({ lat: 0, lon: 0 })],
  ['regions.*.location.*', () => 0],
  ['app', () => ({ command: ['true'] })],
  ['app.command', () => ['true']],
]

function matches(pattern: string, at: readonly Key[]): boolean {
  const parts = pattern.split('.')
  return parts.length === at.length && parts.every((part, i) => part === '*' || part === at[i])
}

/** A plain copy; what is neither plain object, list nor scalar becomes undefined and is refused again. */
function copy(value: unknown, depth = 0): unknown {
  if (depth > 8) return undefined
  if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1))
  if (value !== null && typeof value === 'object') {
    const result: Json = Object.create(null)
    for (const [key, item] of Object.entries(value)) result[key] = copy(item, depth + 1)
    return { ...result }
  }
  return typeof value === 'function' ? undefined : value
}

/** Takes out what stands at the path. Of a list the whole list goes: what is left of a list means something else. */
function takeOut(input: Json, at: readonly Key[]): Key[] {
  const list = at.findIndex((key) => typeof key === 'number')
  const path = list === -1 ? [...at] : at.slice(0, list)
  let parent: Json | undefined = input
  for (const key of path.slice(0, -1)) {
    const next: unknown = parent?.[key]
    parent = next !== null && typeof next === 'object' ? (next as Json) : undefined
  }
  if (parent === undefined) return path
  const last = String(path.at(-1))
  const placeholder = placeholders.find(([pattern]) => matches(pattern, path))
  if (placeholder && path.length > 0) parent[last] = placeholder[1]()
  else delete parent[last]
  return path
}

type Repaired = { topology: Topology /** Paths whose values are not the operator's. */; bad: Key[][] }

export function repair(input: unknown): Repaired | undefined {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) return undefined
  const plain = copy(input) as Json
  const bad: Key[][] = []
  for (let round = 0; round < 5; round++) {
    const parsed = topologySchema.safeParse(plain)
    if (parsed.success) return { topology: parsed.data, bad }
    for (const issue of parsed.error.issues) {
      if (issue.code === 'unrecognized_keys') {
        // A misspelt key leaves its right spelling at the default: rules must not judge that either.
        for (const { at, meant } of translate(issue, plain).unknown) {
          takeOut(plain, at)
          if (meant !== undefined) bad.push([...at.slice(0, -1), meant])
        }
      } else if (issue.code === 'invalid_key') {
        const at = issue.path.map(String)
        bad.push(at)
        const parent = at.slice(0, -1).reduce<unknown>((value, key) => (value as Json)[key], plain) as Json
        delete parent[at.at(-1)!]
      } else bad.push(takeOut(plain, issue.path as Key[]))
    }
  }
  return undefined
}
