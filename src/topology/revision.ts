import { createHash } from 'node:crypto'
import type { Topology } from './schema.ts'

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  // By code unit, not by locale: every machine must come to the same text.
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, canonical(item)]),
  )
}

/**
 * Names a topology by its content: 64 hexadecimal digits, the same on every machine. The order of keys does not
 * count, except that of the regions, which gives them their numbers and so their addresses.
 */
export function revision(topology: Topology): string {
  const text = JSON.stringify(canonical({ ...topology, regions: Object.entries(topology.regions) }))
  return createHash('sha256').update(text).digest('hex')
}
