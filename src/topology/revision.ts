import { createHash } from 'node:crypto'
import type { Topology } from './schema.ts'

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  // Sorted by code unit, not by locale: every machine must produce the same text.
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, canonical(item)]),
  )
}

/**
 * SHA-256 of a topology's content in hexadecimal, the same on every machine. It does not depend on the order of keys,
 * except for that of the regions, which determines their addresses.
 */
export function revision(topology: Topology): string {
  const text = JSON.stringify(canonical({ ...topology, regions: Object.entries(topology.regions) }))
  return createHash('sha256').update(text).digest('hex')
}
