import { readFileSync } from 'node:fs'
import { endianness } from 'node:os'
import type { Server } from '../../src/engines/knot/ask.ts'

/** Queries that the kernel dropped since the server's sockets were opened, because their queues were full. */
export const droppedAt = (server: Server): number =>
  parseDropped(readFileSync('/proc/net/udp', 'utf8'), server)

/** Parses /proc/net/udp: the second field is a socket's local address, the last one its drops. Pure. */
export function parseDropped(text: string, { address, port }: Server): number {
  const bytes = address.split('.').map((byte) => hex(Number(byte), 2))
  const local = `${(endianness() === 'LE' ? bytes.reverse() : bytes).join('')}:${hex(port, 4)}`
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1] === local)
    .reduce((sum, fields) => sum + Number(fields.at(-1)), 0)
}

const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, '0')
