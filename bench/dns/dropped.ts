import { readFileSync } from 'node:fs'
import { endianness } from 'node:os'
import type { Server } from '../../src/engines/knot/ask.ts'

/** How many questions the kernel threw away since the server's sockets were opened, because their queues were full. */
export const droppedAt = (server: Server): number =>
  parseDropped(readFileSync('/proc/net/udp', 'utf8'), server)

/** Pure: a socket's local address is its second field there, what it dropped its last. */
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
