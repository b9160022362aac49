import { createHash } from 'node:crypto'
import { cover } from '../geo/cover.ts'
import type { Family } from '../geo/prefix.ts'
import type { SteeringTable } from './table.ts'

/** Part of the hash in the file's name, so each version has its own file. */
export const tableFormat = 5
const magic = 'nearside-table-5\n'

/**
 * Serialises a table: a line of magic, a line of JSON, then per family the arrays in little-endian: lengths (8 bits),
 * ranking numbers (32 bits), at last the SHA-256 of all of it. Prefixes tile the space, so their addresses are not
 * stored.
 */
export function encodeTable(table: SteeringTable): Uint8Array {
  const head = new TextEncoder().encode(
    `${magic}${JSON.stringify({
      regions: table.regions,
      rankings: table.rankings.map((order) => [...order]),
      prefixes: table.covers.map((part) => part.lengths.length),
      summary: table.summary,
    })}\n`,
  )
  const size = table.covers.reduce((sum, part) => sum + part.lengths.length * 5, 0)
  const bytes = new Uint8Array(head.length + size + sumBytes)
  bytes.set(head)
  const view = new DataView(bytes.buffer)
  let at = head.length
  for (const part of table.covers) {
    bytes.set(part.lengths, at)
    at += part.lengths.length
    for (const value of part.values) {
      view.setUint32(at, value, true)
      at += 4
    }
  }
  bytes.set(sumOf(bytes.subarray(0, at)), at)
  return bytes
}

/** Against damage on disk: a changed number could be valid and send users elsewhere. */
const sumBytes = 32
const sumOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

/** Throws a RangeError or SyntaxError on anything that `encodeTable` did not write. */
export function decodeTable(bytes: Uint8Array): SteeringTable {
  const end = bytes.length - sumBytes
  const headEnd = bytes.indexOf(10, magic.length)
  const start = new TextDecoder().decode(bytes.subarray(0, magic.length))
  if (start !== magic || headEnd < 0) throw new RangeError('not a steering table')
  if (end <= headEnd || sumOf(bytes.subarray(0, end)).compare(bytes.subarray(end)) !== 0)
    throw new RangeError('the file is incomplete or damaged: its checksum differs')
  const head: Pick<SteeringTable, 'regions' | 'summary'> & {
    rankings: number[][]
    prefixes: [number, number]
  } = JSON.parse(new TextDecoder().decode(bytes.subarray(magic.length, headEnd)))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = headEnd + 1
  const read = (family: Family, count: number) => {
    const lengths = bytes.slice(at, at + count)
    at += count
    const values = new Uint32Array(count)
    for (let index = 0; index < count; index++, at += 4) values[index] = view.getUint32(at, true)
    if (values.some((value) => value >= head.rankings.length)) throw new RangeError('a ranking is missing')
    return cover(family, lengths, values)
  }
  const ipv4 = read(4, head.prefixes[0])
  const ipv6 = read(6, head.prefixes[1])
  if (at !== end) throw new RangeError('the file is longer than its header declares')
  return {
    regions: head.regions,
    rankings: head.rankings.map((order) => Uint8Array.from(order)),
    covers: [ipv4, ipv6],
    summary: head.summary,
  }
}
