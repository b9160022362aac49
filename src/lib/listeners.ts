import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { allPids } from './proc.ts'

/** Listening sockets on this machine, read from /proc: finds the cause of "address already in use". */

export type Listener = {
  protocol: 'tcp' | 'udp'
  /** `0.0.0.0` or `::` for all addresses. */
  address: string
  port: number
  uid: number
  /** Inode of the socket; `holdersOf` maps it to the process. */
  inode: string
}

const listening = { tcp: '0A', udp: '07' }

/** Parses one of /proc/net/{tcp,tcp6,udp,udp6}. Pure. */
export function parseListeners(text: string, protocol: Listener['protocol']): Listener[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length > 9 && fields[3] === listening[protocol])
    .map((fields) => {
      const [address = '', port = ''] = fields[1]!.split(':')
      return {
        protocol,
        address: addressOf(address),
        port: Number.parseInt(port, 16),
        uid: Number(fields[7]),
        inode: fields[9]!,
      }
    })
}

/** The kernel prints addresses as 32-bit words in host byte order, which is little-endian here. */
function addressOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? []
  const bytes = words.flatMap((word) =>
    (word.match(/../g) ?? []).reverse().map((b) => Number.parseInt(b, 16)),
  )
  if (bytes.length === 4) return bytes.join('.')
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255
  if (mapped) return bytes.slice(12).join('.')
  if (bytes.every((byte) => byte === 0)) return '::'
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16))
  return groups.join(':')
}

/**
 * Parses /proc/net/tcp for the connections that a listening program has not accepted yet: for a listener, the kernel
 * shows their number as its receive queue. Pure.
 */
function parseWaiting(text: string, at: { address: string; port: number }): number {
  let waiting = 0
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/)
    if (fields[3] !== listening.tcp) continue
    const [address = '', port = ''] = fields[1]!.split(':')
    if (Number.parseInt(port, 16) === at.port && addressOf(address) === at.address)
      waiting += Number.parseInt(fields[4]!.split(':')[1] ?? '0', 16)
  }
  return waiting
}

export function waitingAt(address: string, port: number): number {
  return parseWaiting(readFileSync('/proc/net/tcp', 'utf8'), { address, port })
}

export function listeners(): Listener[] {
  return (['tcp', 'udp'] as const).flatMap((protocol) =>
    [protocol, `${protocol}6`].flatMap((name) => {
      try {
        return parseListeners(readFileSync(`/proc/net/${name}`, 'utf8'), protocol)
      } catch {
        return []
      }
    }),
  )
}

export const isWildcard = (address: string) => address === '0.0.0.0' || address === '::'

/** Process ids by socket inode. Sockets of other users' processes are not found. */
export function holdersOf(inodes: ReadonlySet<string>): Map<string, number> {
  const found = new Map<string, number>()
  for (const pid of inodes.size === 0 ? [] : allPids()) {
    let descriptors: string[]
    try {
      descriptors = readdirSync(`/proc/${pid}/fd`)
    } catch {
      continue
    }
    for (const descriptor of descriptors) {
      let target: string
      try {
        target = readlinkSync(`/proc/${pid}/fd/${descriptor}`)
      } catch {
        continue
      }
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
      if (inode !== undefined && inodes.has(inode) && !found.has(inode)) found.set(inode, pid)
    }
    if (found.size === inodes.size) break
  }
  return found
}
