import { bitAt, type Prefix } from '../../geo/prefix.ts'

/** The little of the DNS wire format (RFC 1035, RFC 6891, RFC 7871) that asking our own server takes. */

const recordTypes = { A: 1, NS: 2, SOA: 6, TXT: 16, AAAA: 28, ANY: 255 } as const
type RecordType = keyof typeof recordTypes

export type Question = {
  name: string
  type: RecordType
  /** The user's network, as a resolver would send it. */
  subnet?: Prefix
}

export type Reply = {
  id: number
  /** 0 NOERROR, 3 NXDOMAIN, 5 REFUSED. */
  code: number
  truncated: boolean
  /** Answer section: addresses as text for A, the strings joined for TXT, otherwise empty. */
  records: { type: number; ttlSeconds: number; data: string }[]
  /** For how long a prefix the answer holds; undefined without a client subnet in the reply. */
  scope: number | undefined
}

const optType = 41
const subnetOption = 8

export function encodeQuestion(id: number, { name, type, subnet }: Question): Uint8Array {
  const bytes: number[] = []
  const put16 = (...values: number[]) => {
    for (const value of values) bytes.push((value >>> 8) & 255, value & 255)
  }
  put16(id, 0, 1, 0, 0, 1)
  for (const label of name.split('.').filter((part) => part !== '')) {
    bytes.push(label.length, ...new TextEncoder().encode(label))
  }
  bytes.push(0)
  put16(recordTypes[type], 1)
  bytes.push(0)
  const option = subnet === undefined ? [] : subnetBytes(subnet)
  put16(optType, 1232, 0, 0, option.length)
  bytes.push(...option)
  return Uint8Array.from(bytes)
}

function subnetBytes(subnet: Prefix): number[] {
  const length = Math.ceil(subnet.length / 8)
  const address = Array.from({ length }, (_, byte) => {
    let value = 0
    for (let bit = 0; bit < 8; bit++) {
      const position = byte * 8 + bit
      value = value * 2 + (position < subnet.length ? bitAt(subnet.high, subnet.low, position) : 0)
    }
    return value
  })
  const size = 4 + length
  return [
    0,
    subnetOption,
    size >> 8,
    size & 255,
    0,
    subnet.family === 4 ? 1 : 2,
    subnet.length,
    0,
    ...address,
  ]
}

/** Throws a RangeError on anything that is not a whole DNS reply. */
export function decodeReply(message: Uint8Array): Reply {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  const flags = view.getUint16(2)
  if ((flags & 0x8000) === 0) throw new RangeError('not a reply')
  const counts = [4, 6, 8, 10].map((at) => view.getUint16(at))
  let at = 12
  for (let index = 0; index < counts[0]!; index++) at = skipName(view, at) + 4
  const reply: Reply = {
    id: view.getUint16(0),
    code: flags & 15,
    truncated: (flags & 0x0200) !== 0,
    records: [],
    scope: undefined,
  }
  const total = counts[1]! + counts[2]! + counts[3]!
  for (let index = 0; index < total; index++) {
    at = skipName(view, at)
    const type = view.getUint16(at)
    const size = view.getUint16(at + 8)
    const data = new DataView(message.buffer, message.byteOffset + at + 10, size)
    if (type === optType) reply.scope = findScope(data) ?? reply.scope
    else if (index < counts[1]!) {
      reply.records.push({ type, ttlSeconds: view.getUint32(at + 4), data: dataText(type, data) })
    }
    at += 10 + size
  }
  return reply
}

function skipName(view: DataView, start: number): number {
  let at = start
  for (;;) {
    const length = view.getUint8(at)
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2
    at += 1 + length
  }
}

function findScope(options: DataView): number | undefined {
  for (let at = 0; at + 4 <= options.byteLength; at += 4 + options.getUint16(at + 2)) {
    if (options.getUint16(at) === subnetOption) return options.getUint8(at + 7)
  }
  return undefined
}

function dataText(type: number, data: DataView): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (type === recordTypes.A) return bytes.join('.')
  if (type !== recordTypes.TXT) return ''
  let text = ''
  for (let at = 0; at < bytes.length; at += 1 + bytes[at]!) {
    text += new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + bytes[at]!))
  }
  return text
}
