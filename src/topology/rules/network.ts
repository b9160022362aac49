import { didYouMean } from '../../lib/did-you-mean.ts'
import { withoutHostBits } from '../../lib/networks.ts'
import type { Finding } from '../problems.ts'
import { appPort, regionsOf } from '../regions.ts'
import { type Rule, repeated } from './rule.ts'

const addresses = ['regions.*.address', 'network.base']
const range = ['ports.app', 'app.instances', 'regions.*.role', 'network.base']
const octets = (text: string) => text.split('.').map(Number)
const loopback = (address: string) => address.startsWith('127.')

/** Why an address cannot be a region's own; undefined when it can. */
function unusable(address: string): string | undefined {
  const [a = 0, , , d = 0] = octets(address)
  if (a === 0) return 'it means "this host" and is not an address'
  if (a >= 240) return 'it is reserved'
  if (a >= 224) return 'it is a multicast address'
  return d === 255 && loopback(address) ? 'it is a broadcast address' : undefined
}

function isPrivate(base: string): boolean {
  const [a = 0, b = 0] = octets(base)
  return (
    a === 127 ||
    a === 10 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b < 128)
  )
}

/** First and last port of the app's instances on the whole machine; undefined without full regions. */
function appRange(topology: Parameters<Rule['find']>[0]): [number, number] | undefined {
  const full = regionsOf(topology).filter((region) => region.full)
  const [first, last] = [full.at(0), full.at(-1)]
  return first && last && [appPort(topology, first, 0), appPort(topology, last, topology.app.instances - 1)]
}

export const networkRules: Rule[] = [
  {
    reads: ['edge.trustedProxies'],
    find: ({ edge }) =>
      edge.trustedProxies.flatMap((text, i) => {
        const meant = withoutHostBits(text)
        if (meant === text) return []
        const [address = ''] = text.split('/')
        return [
          {
            at: ['edge', 'trustedProxies', i],
            message: `expected a network or an address, got "${text}", an address within a network`,
            remedy: `write "${meant}" for the network, or "${address}" for the address`,
          },
        ]
      }),
  },
  {
    reads: ['edge.trustedProxies'],
    level: 'warning',
    find: ({ edge }) =>
      edge.trustedProxies.flatMap((text, i) =>
        Number(text.split('/')[1]) < 8
          ? [
              {
                at: ['edge', 'trustedProxies', i],
                message: `"${text}" trusts ${text.endsWith('/0') ? 'every client' : 'a large part of all clients'}: each can choose the address that the app sees, and that limits count by`,
                remedy: 'list only the addresses of your own proxies',
              },
            ]
          : [],
      ),
  },
  {
    reads: ['network.base'],
    find: ({ network: { base } }) => {
      const at = ['network', 'base']
      if (base.split('.').some((number) => Number(number) > 255 || String(Number(number)) !== number))
        return [
          {
            at,
            message: `expected two numbers from 0 to 255 without leading zeros, got "${base}"`,
            remedy: 'write "127.77", or another second number',
          },
        ]
      if (!isPrivate(base))
        return [
          {
            at,
            message: `expected a loopback or private network, got "${base}"`,
            remedy:
              'write "127.77" for a world on one machine; for regions on separate hosts set regions.<name>.address',
          },
        ]
      return []
    },
  },
  {
    reads: addresses,
    find: (topology) => {
      const regions = regionsOf(topology)
      const many = regions.filter((region) => region.index > 254).map(() => 1).length
      if (many > 0)
        return [{ at: ['regions'], message: `expected at most 254 regions, got ${regions.length}` }]
      const bad = regions.flatMap((region) => {
        const why = unusable(region.address)
        const own = topology.regions[region.name]!.address !== undefined
        return why && own
          ? [
              {
                at: ['regions', region.name, 'address'],
                message: `expected a host address, got ${region.address}: ${why}`,
              },
            ]
          : []
      })
      const twice = repeated(regions.map((region) => [region.address, region.name] as const)).map(
        ([address, first, again]) => ({
          at:
            topology.regions[again]!.address === undefined
              ? ['regions', first, 'address']
              : ['regions', again, 'address'],
          message: `expected a unique address, got ${address}, which is also the address of ${topology.regions[again]!.address === undefined ? `${again} (from its position in the file)` : first}`,
          remedy: 'give every region a different address',
        }),
      )
      return [...bad, ...twice]
    },
  },
  {
    reads: addresses,
    find: (topology) => {
      const regions = regionsOf(topology)
      const local = regions.filter((region) => loopback(region.address))
      const [here] = local
      const away = regions.find((region) => !loopback(region.address))
      if (!here || !away) return []
      return [
        {
          at: ['regions'],
          message: `${away.name} is at ${away.address} and cannot reach ${here.name} at ${here.address}, which is a loopback address`,
          remedy:
            'give every region an address that the others can reach, or remove all addresses to run the world on one machine',
        },
      ]
    },
  },
  {
    reads: ['network.rttMs.**', 'regions'],
    find: ({ network, regions }) => {
      const names = Object.keys(regions)
      const pairs = Object.keys(network.rttMs ?? {})
      const strange = pairs.flatMap((pair): Finding[] => {
        const at = ['network', 'rttMs', pair]
        const [from = '', to = ''] = pair.split(' ')
        const stranger = [from, to].find((name) => !names.includes(name))
        if (from === to) return [{ at, message: `expected two regions, got ${from} twice` }]
        if (stranger === undefined) return []
        const remedy = didYouMean(stranger, names) ?? `the regions are ${names.join(', ')}`
        return [{ at, message: `expected the names of two regions, got ${JSON.stringify(stranger)}`, remedy }]
      })
      const both = repeated(pairs.map((pair) => [pair.split(' ').sort().join(' '), pair] as const))
      return [
        ...strange,
        ...both.map(([, first, again]) => ({
          at: ['network', 'rttMs', again],
          message: `expected each pair of regions once, but it is also listed as ${JSON.stringify(first)}`,
          remedy: 'keep one of them: a round trip takes the same time in both directions',
        })),
      ]
    },
  },
  {
    reads: ['ports.**'],
    find: ({ ports }) => {
      const engines = Object.entries(ports).filter(([name]) => name !== 'app')
      return repeated(engines.map(([name, port]) => [String(port), name] as const)).map(
        ([port, first, again]) => ({
          at: ['ports', again],
          message: `expected a unique port, got ${port}, which is also ports.${first}`,
          remedy: 'choose another port for one of them',
        }),
      )
    },
  },
  {
    reads: ['ports.**', ...range],
    find: (topology) => {
      const used = appRange(topology)
      if (!used) return []
      const [first, last] = used
      if (last > 65535)
        return [
          {
            at: ['ports', 'app'],
            message: `expected the ports of the app's instances to end at 65535 at most, got ${first} to ${last}`,
            remedy: 'lower ports.app or app.instances',
          },
        ]
      return Object.entries(topology.ports)
        .filter(([name, port]) => name !== 'app' && port !== undefined && port >= first && port <= last)
        .map(([name, port]) => ({
          at: ['ports', name],
          message: `expected a port outside the range of the app's instances (${first} to ${last}), got ${port}: apps may listen on all addresses`,
          remedy: `change ports.${name} or ports.app`,
        }))
    },
  },
  {
    reads: range,
    level: 'warning',
    find: (topology) => {
      const used = appRange(topology)
      if (!used || topology.ports.app !== undefined) return []
      const [first, last] = used
      if (topology.network.base === '127.77' || last - first < 80) return []
      return [
        {
          at: ['ports', 'app'],
          message: `the app's instances take ports ${first} to ${last}, but a world on the next network.base starts at ${first + 80}`,
          remedy: 'set ports.app to the start of a free range',
        },
      ]
    },
  },
  {
    reads: ['ports.**', ...range],
    level: 'warning',
    find: (topology) => {
      const ephemeral = (port: number) => port >= 32_768 && port <= 60_999
      const used = appRange(topology)
      const engines = Object.entries(topology.ports).filter(
        ([name, port]) => name !== 'app' && ephemeral(port ?? 0),
      )
      return [
        ...engines,
        ...(used && used[1] <= 65535 && (ephemeral(used[0]) || ephemeral(used[1]))
          ? [['app', used[0]] as const]
          : []),
      ].map(([name, port]) => ({
        at: ['ports', name],
        message: `${port} is in the ephemeral port range of Linux (32768 to 60999), so an outgoing connection may already use it at start`,
        remedy: 'choose a port below 32768',
      }))
    },
  },
]
