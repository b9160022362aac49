import { decode, encode, type Packet } from 'dns-packet'
import { formatAddress, type Prefix } from '../../geo/prefix.ts'

/** The part of DNS that queries to our own server need: one question with a client subnet (RFC 7871), and its reply. */

type RecordType = 'A' | 'NS' | 'SOA' | 'TXT' | 'AAAA' | 'ANY'

export type Question = {
  name: string
  type: RecordType
  /** The client subnet, as a resolver would send it (ECS). */
  subnet?: Prefix
}

export type Reply = {
  id: number
  /** 0 NOERROR, 3 NXDOMAIN, 5 REFUSED. */
  code: number
  truncated: boolean
  /** Answer section: the address for A, the joined strings for TXT, otherwise empty. */
  records: { type: string; ttlSeconds: number; data: string }[]
  /** Scope prefix length of the answer; undefined without a client subnet in the reply. */
  scope: number | undefined
}

/** Masks for the 16 flag bits of the header. */
const codeBits = 0xf
const truncatedBit = 0x0200

export function encodeQuestion(id: number, { name, type, subnet }: Question): Uint8Array {
  return encode({
    type: 'query',
    id,
    flags: 0,
    // The library's types lack ANY, but it encodes it.
    questions: [{ type: type as Exclude<RecordType, 'ANY'>, name }],
    additionals: [{ ...edns, options: subnet ? [optionOf(subnet)] : [] }],
  })
}

const edns = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
} as const

const subnetOption = 8

const optionOf = (subnet: Prefix) =>
  ({ code: subnetOption, ip: formatAddress(subnet), sourcePrefixLength: subnet.length }) as const

/** Throws a RangeError on anything that is not a complete DNS reply. */
export function decodeReply(message: Uint8Array): Reply {
  const packet = packetIn(message)
  if (packet.type !== 'response') throw new RangeError('expected a DNS reply, got a query')
  const flags = packet.flags ?? 0
  return {
    id: packet.id ?? 0,
    code: flags & codeBits,
    truncated: (flags & truncatedBit) !== 0,
    records: (packet.answers ?? []).map((answer) => ({
      type: answer.type,
      ttlSeconds: ('ttl' in answer && answer.ttl) || 0,
      data: answer.type === 'A' ? answer.data : answer.type === 'TXT' ? textOf(answer.data) : '',
    })),
    scope: scopeIn(packet),
  }
}

function packetIn(message: Uint8Array): Packet {
  try {
    return decode(Buffer.from(message.buffer, message.byteOffset, message.byteLength))
  } catch (cause) {
    throw new RangeError('expected a DNS message', { cause })
  }
}

const textOf = (strings: unknown) => (Array.isArray(strings) ? strings : [strings]).map(String).join('')

function scopeIn({ additionals = [] }: Packet): number | undefined {
  for (const record of additionals) {
    if (record.type !== 'OPT') continue
    for (const option of record.options) if (option.code === subnetOption) return option.scopePrefixLength
  }
  return undefined
}
