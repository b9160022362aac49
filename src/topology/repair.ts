import type { Key } from './problems.ts'
import { type Topology, topologySchema } from './schema.ts'
import { translate } from './translate.ts'

/**
 * Removes the values that the schema refused, so the rules that span several fields can check the rest and all problems
 * are reported at once. Only those rules use the result; it is never run.
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

/** A plain copy. Anything but objects, lists and scalars becomes undefined, so the schema refuses it again. */
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

/** Removes the value at the path. For a list item it removes the whole list: a shortened list means something else. */
function removeAt(input: Json, at: readonly Key[]): Key[] {
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

/** `bad`: paths whose values are placeholders or defaults instead of the operator's. */
type Repaired = { topology: Topology; bad: Key[][] }

export function repair(input: unknown): Repaired | undefined {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) return undefined
  const plain = copy(input) as Json
  const bad: Key[][] = []
  for (let round = 0; round < 5; round++) {
    const parsed = topologySchema.safeParse(plain)
    if (parsed.success) return { topology: parsed.data, bad }
    for (const issue of parsed.error.issues) {
      if (issue.code === 'unrecognized_keys') {
        // A misspelt key leaves the intended key at its default, so rules must ignore that one as well.
        for (const { at, meant } of translate(issue, plain).unknown) {
          removeAt(plain, at)
          if (meant !== undefined) bad.push([...at.slice(0, -1), meant])
        }
      } else if (issue.code === 'invalid_key') {
        const at = issue.path.map(String)
        bad.push(at)
        const parent = at.slice(0, -1).reduce<unknown>((value, key) => (value as Json)[key], plain) as Json
        delete parent[at.at(-1)!]
      } else bad.push(removeAt(plain, issue.path as Key[]))
    }
  }
  return undefined
}
