import decoderModule from 'mmdb-lib/lib/decoder.js'
import { type Metadata, parseMetadata } from 'mmdb-lib/lib/metadata.js'
import { NearsideError } from '../lib/errors.ts'
import type { Family } from './prefix.ts'

/** An open database in MaxMind's format: a tree of records, one level per address bit, with data at its leaves. */
export type Mmdb = {
  /** The file, for messages. */
  name: string
  /** The publisher's name for it: `GeoLite2-City`, `city ipv4`. */
  databaseType: string
  /** Records below it are nodes, the record equal to it means "no data", and records above it are data. */
  nodeCount: number
  /** The root node of each address family that the database covers. */
  roots: ReadonlyMap<Family, number>
  child(node: number, side: 0 | 1): number
  /** Throws a NearsideError when the file is damaged at this record. */
  data(record: number): unknown
}

const separatorBytes = 16
const remedy = 'download the file again'

/** Throws a NearsideError when the bytes are not a complete database. */
export function openMmdb(bytes: Buffer, name: string): Mmdb {
  if (bytes.length === 0) throw new NearsideError('geoip_empty', `${name} is empty`, { remedy })
  const metadata = readMetadata(bytes, name)
  const { nodeCount, searchTreeSize } = metadata
  if (nodeCount === 0 || searchTreeSize + separatorBytes >= bytes.length) {
    const message = `${name}: ${bytes.length} bytes cannot hold the ${nodeCount} nodes that its metadata declares`
    throw new NearsideError('geoip_damaged', message, { remedy })
  }
  const child = childReader(bytes, metadata)
  const decoder = new decoderModule.default(bytes, searchTreeSize + separatorBytes)
  return {
    name,
    databaseType: String(metadata.databaseType),
    nodeCount,
    roots: rootsOf(metadata, child),
    child,
    data(record) {
      try {
        return decoder.decodeFast(record - nodeCount + searchTreeSize).value
      } catch (cause) {
        throw new NearsideError('geoip_damaged', `${name} is damaged at record ${record}`, { remedy, cause })
      }
    },
  }
}

function readMetadata(bytes: Buffer, name: string): Metadata {
  try {
    const metadata = parseMetadata(bytes)
    if (metadata.ipVersion === 4 || metadata.ipVersion === 6) return metadata
  } catch {
    // Any failure of the decoder means that this is not a MaxMind database.
  }
  throw new NearsideError('geoip_not_mmdb', `${name} is not a complete MaxMind database (.mmdb)`, {
    remedy: 'use a city-level .mmdb file; if it is one, download it again',
  })
}

function childReader(bytes: Buffer, { recordSize, nodeByteSize }: Metadata): Mmdb['child'] {
  if (recordSize === 24) {
    return (node, side) => {
      const at = node * nodeByteSize + side * 3
      return bytes[at]! * 0x10000 + bytes[at + 1]! * 0x100 + bytes[at + 2]!
    }
  }
  if (recordSize === 32) return (node, side) => bytes.readUInt32BE(node * nodeByteSize + side * 4)
  return (node, side) => {
    const at = node * nodeByteSize
    const top = side === 0 ? bytes[at + 3]! >> 4 : bytes[at + 3]! & 15
    return top * 0x1000000 + bytes.readUIntBE(at + side * 4, 3)
  }
}

/** A database for both families has the IPv4 addresses under ::/96. */
function rootsOf({ ipVersion, nodeCount }: Metadata, child: Mmdb['child']): Map<Family, number> {
  if (ipVersion === 4) return new Map([[4, 0]])
  let node = 0
  for (let depth = 0; depth < 96 && node < nodeCount; depth++) node = child(node, 0)
  return new Map<Family, number>(
    node < nodeCount
      ? [
          [4, node],
          [6, 0],
        ]
      : [[6, 0]],
  )
}
