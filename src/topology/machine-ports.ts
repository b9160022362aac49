import { readFileSync } from 'node:fs'
import { list } from '../lib/format.ts'
import type { Finding } from './problems.ts'
import { regionsOf } from './regions.ts'
import type { PortName, Topology } from './schema.ts'

/** What this machine lets a process bind. */
export type PortLimits = {
  /** From this port on, every user may bind: net.ipv4.ip_unprivileged_port_start. */
  firstFree: number
  /** Whether this process may bind the ports below, and give that right to an engine. */
  isPrivileged: boolean
  /** Ports that the kernel gives to outgoing connections, both ends included: net.ipv4.ip_local_port_range. */
  ephemeral: [first: number, last: number]
}

const numbersIn = (name: string, otherwise: string) => {
  try {
    return readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8').trim().split(/\s+/).map(Number)
  } catch {
    return otherwise.split(' ').map(Number)
  }
}

const bindService = 1n << 10n

export function portLimits(): PortLimits {
  const [firstFree = 1024] = numbersIn('ip_unprivileged_port_start', '1024')
  const [first = 32_768, last = 60_999] = numbersIn('ip_local_port_range', '32768 60999')
  const effective = /^CapEff:\s+([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  const hasCapability = (BigInt(`0x${effective}`) & bindService) !== 0n
  return {
    firstFree,
    isPrivileged: hasCapability && process.geteuid?.() === 0,
    ephemeral: [first, last],
  }
}

/** Processes that can get the capability: HAProxy and Knot, and those that run outside of the sandbox. */
const grantable: readonly PortName[] = [
  'http',
  'region',
  'health',
  'dns',
  'databaseWrite',
  'databaseRead',
  'agent',
  'app',
]
/** Default range of Linux, which the rules warn about on any machine. */
const usualEphemeral = [32_768, 60_999] as const

/** Ports that this machine does not let the world's processes bind, or may give to others first. Pure. */
export function checkPorts(
  topology: Topology,
  limits: PortLimits,
): { problems: Finding[]; warnings: Finding[] } {
  const { firstFree, isPrivileged, ephemeral } = limits
  const serves = regionsOf(topology).some((region) => region.serves)
  const ports = (Object.entries(topology.ports) as [PortName, number | undefined][]).flatMap(
    ([name, port]) => (port === undefined || (!serves && name === 'dns') ? [] : [{ name, port }]),
  )
  const low = ports.filter(({ port }) => port < firstFree)
  const lowest = Math.min(...low.map(({ port }) => port))
  const problems = low.flatMap(({ name, port }): Finding[] => {
    const at = ['ports', name]
    if (isPrivileged && grantable.includes(name)) return []
    if (isPrivileged)
      return [
        {
          at,
          message: `expected a port from ${firstFree} on, got ${port}: below that, only ${list(grantable)} are possible, whose processes can get the one capability that it takes`,
          remedy: `set ports.${name} to ${firstFree} or more`,
        },
      ]
    return [
      {
        at,
        message: `${port} is below ${firstFree}, the first port that an ordinary user may bind on this machine (net.ipv4.ip_unprivileged_port_start = ${firstFree})`,
        remedy: `run \`sysctl -w net.ipv4.ip_unprivileged_port_start=${lowest}\` as root (and write it to /etc/sysctl.d to keep it), start the world as root, or set ports.${name} to ${firstFree} or more`,
      },
    ]
  })
  const isUsual = (port: number) => port >= usualEphemeral[0] && port <= usualEphemeral[1]
  const warnings = ports
    .filter(({ port }) => port >= ephemeral[0] && port <= ephemeral[1] && !isUsual(port))
    .map(({ name, port }) => ({
      at: ['ports', name],
      message: `${port} is in the ephemeral port range of this machine (${ephemeral.join(' to ')}), so an outgoing connection may already use it at start`,
      remedy: `choose another port, or add ${port} to net.ipv4.ip_local_reserved_ports`,
    }))
  return { problems, warnings }
}
