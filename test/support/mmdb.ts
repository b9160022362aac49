import { bitAt, parsePrefix } from '../../src/geo/prefix.ts'

type Data = string | number | { [key: string]: Data }
export type MmdbEntry = [prefix: string, data: { [key: string]: Data }]
export type MmdbOptions = { recordSize?: 24 | 28 | 32; ipVersion?: 4 | 6; databaseType?: string }

type Node = { children: [Node | Leaf | undefined, Node | Leaf | undefined] }
type Leaf = { data: { [key: string]: Data } }

/**
 * A small database in MaxMind's format (maxmind.github.io/MaxMind-DB, version 2.0). With IP version 6, IPv4 prefixes
 * are below ::/96, as in MaxMind's databases.
 */
export function writeMmdb(entries: MmdbEntry[], options: MmdbOptions = {}): Buffer {
  const { recordSize = 24, ipVersion = 4, databaseType = 'Test-City' } = options
  const root: Node = { children: [undefined, undefined] }
  for (const [text, data] of entries) insert(root, bitsOf(text, ipVersion), { data })

  const nodes: Node[] = []
  const number = (node: Node): void => {
    nodes.push(node)
    for (const child of node.children) if (child && 'children' in child) number(child)
  }
  number(root)
  const section: Buffer[] = []
  let sectionSize = 0
  const record = (child: Node | Leaf | undefined): number => {
    if (!child) return nodes.length
    if ('children' in child) return nodes.indexOf(child)
    const bytes = encode(child.data)
    section.push(bytes)
    sectionSize += bytes.length
    return nodes.length + 16 + sectionSize - bytes.length
  }
  const tree = Buffer.concat(
    nodes.map(({ children: [left, right] }) => pair(record(left), record(right), recordSize)),
  )
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: databaseType,
    ip_version: ipVersion,
    node_count: nodes.length,
    record_size: recordSize,
  })
  return Buffer.concat([
    tree,
    Buffer.alloc(16),
    ...section,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    metadata,
  ])
}

function bitsOf(text: string, ipVersion: 4 | 6): (0 | 1)[] {
  const prefix = parsePrefix(text)
  if (!prefix) throw new Error(`not a prefix: ${text}`)
  const bits = Array.from({ length: prefix.length }, (_, at) => bitAt(prefix.high, prefix.low, at))
  return ipVersion === 6 && prefix.family === 4 ? [...Array<0>(96).fill(0), ...bits] : bits
}

function insert(root: Node, bits: (0 | 1)[], leaf: Leaf): void {
  let node = root
  for (const bit of bits.slice(0, -1)) {
    const next = node.children[bit]
    if (next && 'children' in next) node = next
    else {
      const made: Node = { children: [next, next] }
      node.children[bit] = made
      node = made
    }
  }
  node.children[bits.at(-1)!] = leaf
}

function pair(left: number, right: number, recordSize: 24 | 28 | 32): Buffer {
  if (recordSize === 28) {
    const bytes = Buffer.alloc(7)
    bytes.writeUIntBE(left & 0xffffff, 0, 3)
    bytes[3] = ((left >>> 24) << 4) | (right >>> 24)
    bytes.writeUIntBE(right & 0xffffff, 4, 3)
    return bytes
  }
  const size = recordSize / 8
  const bytes = Buffer.alloc(size * 2)
  bytes.writeUIntBE(left, 0, size)
  bytes.writeUIntBE(right, size, size)
  return bytes
}

function encode(data: Data): Buffer {
  if (typeof data === 'string') return Buffer.concat([control(2, Buffer.byteLength(data)), Buffer.from(data)])
  if (typeof data === 'object') {
    const items = Object.entries(data)
    return Buffer.concat([
      control(7, items.length),
      ...items.flatMap(([key, value]) => [encode(key), encode(value)]),
    ])
  }
  if (Number.isInteger(data) && data >= 0) {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(data)
    return Buffer.concat([control(6, 4), bytes])
  }
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(data)
  return Buffer.concat([control(3, 8), bytes])
}

/** Type and size; sizes here are below 29 + 256. */
function control(type: number, size: number): Buffer {
  return size < 29 ? Buffer.of((type << 5) | size) : Buffer.of((type << 5) | 29, size - 29)
}
