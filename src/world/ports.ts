import { holdersOf, isWildcard, type Listener, listeners } from '../lib/listeners.ts'
import { lookAt, type Process } from '../lib/proc.ts'
import { appPort, type Region } from '../topology/regions.ts'
import type { PortName, Topology } from '../topology/schema.ts'
import { type Origin, originOf, worldName } from './origin.ts'

/** The ports that a region needs, and the processes that hold them. */

type Need = {
  region: string
  address: string
  port: number
  protocol: 'tcp' | 'udp'
  /** The process that will listen: `haproxy`, `app-0`, `agent`. */
  what: string
}

type Part = { port: Exclude<PortName, 'app'>; what: string; udp?: boolean }

const serving: Part[] = [
  { port: 'http', what: 'haproxy' },
  { port: 'region', what: 'haproxy' },
  { port: 'health', what: 'haproxy' },
  { port: 'varnish', what: 'varnish' },
  { port: 'dns', what: 'knot' },
  { port: 'dns', what: 'knot', udp: true },
]
const data: Part[] = [
  { port: 'databaseWrite', what: 'haproxy' },
  { port: 'databaseRead', what: 'haproxy' },
  { port: 'patroni', what: 'postgres' },
  { port: 'postgres', what: 'postgres' },
  { port: 'redis', what: 'redis' },
]
const voting: Part[] = [
  { port: 'etcdClient', what: 'etcd' },
  { port: 'etcdPeer', what: 'etcd' },
]

export function needsOf(topology: Topology, region: Region): Need[] {
  const parts: Part[] = [
    { port: 'agent', what: 'agent' },
    ...(region.votes ? voting : []),
    ...(region.serves ? serving : []),
    ...(region.full ? data : []),
  ]
  const at = { region: region.name, address: region.address }
  const instances = region.full ? topology.app.instances : 0
  return [
    ...parts.map(({ port, what, udp }): Need => {
      return { ...at, port: topology.ports[port], protocol: udp ? 'udp' : 'tcp', what }
    }),
    ...Array.from({ length: instances }, (_, i): Need => {
      return { ...at, port: appPort(topology, region, i), protocol: 'tcp', what: `app-${i}` }
    }),
  ]
}

type Holder = {
  uid: number
  /** Undefined for another user's process, which the kernel hides. */
  process?: Process
  origin?: Origin
}

export type Use = { need: Need; listener: Listener; holder: Holder }

/** Listeners on a needed port, on the same address or on all addresses. */
export function usesOf(needs: readonly Need[], all: readonly Listener[] = listeners()): Use[] {
  const pairs = needs.flatMap((need) => {
    const listener = all.find(
      (one) =>
        one.protocol === need.protocol &&
        one.port === need.port &&
        (one.address === need.address || isWildcard(one.address)),
    )
    return listener ? [{ need, listener }] : []
  })
  const pids = holdersOf(new Set(pairs.map(({ listener }) => listener.inode)))
  return pairs.map(({ need, listener }) => {
    const pid = pids.get(listener.inode)
    const process = pid === undefined ? undefined : lookAt(pid)
    const origin = process && originOf(process)
    return {
      need,
      listener,
      holder: { uid: listener.uid, ...(process ? { process } : {}), ...(origin ? { origin } : {}) },
    }
  })
}

/** `redis-server (process 812)`, `a process of user 105`. */
function holderName({ process, uid }: Holder): string {
  if (!process) return `a process of user ${uid}`
  const program = process.command[0]?.split('/').at(-1)?.split(' ')[0] || process.name
  return `${program} (process ${process.pid})`
}

/** One line per region: its ports, grouped by their holder. */
export function takenLines(taken: readonly Use[]): string[] {
  const byRegion = Map.groupBy(taken, ({ need }) => need.region)
  return [...byRegion].map(([region, uses]) => {
    const byHolder = Map.groupBy(uses, holderText)
    const parts = [...byHolder].map(([holder, held]) => `${portsText(held)} in use by ${holder}`)
    return `${region} (${uses[0]!.need.address}): ${parts.join('; ')}`
  })
}

function holderText({ need, listener, holder }: Use): string {
  const whose = holder.origin
    ? `${holder.origin.region} of the world ${worldName(holder.origin.world)}`
    : holderName(holder)
  return listener.address === need.address ? whose : `${whose}, which listens on all addresses`
}

/** `5300 udp and tcp (knot), 8080 (haproxy)`: TCP goes without saying unless UDP is taken as well. */
function portsText(uses: readonly Use[]): string {
  const byPort = Map.groupBy(uses, ({ need }) => need.port)
  return [...byPort]
    .map(([port, held]) => {
      const protocols = [...new Set(held.map(({ need }) => need.protocol))]
      const protocol = protocols.includes('udp') ? ` ${protocols.sort().join(' and ')}` : ''
      return `${port}${protocol} (${held[0]!.need.what})`
    })
    .join(', ')
}
