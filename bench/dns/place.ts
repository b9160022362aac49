import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from '../../setup/paths.mjs'
import { type KnotMap, knotMap } from '../../src/engines/knot/map.ts'
import { seeded } from '../../src/lab/users/plan/random.ts'
import { buildTable, readTable } from '../../src/steering/build.ts'
import { regionsOf } from '../../src/topology/regions.ts'
import { cityPlaces } from '../../test/support/city-databases.ts'
import { knotTopology } from '../../test/support/knot.ts'
import { temporaryFolder } from '../../test/support/sandboxed.ts'
import { takeWorldLock } from '../../test/support/world/world-lock.ts'
import { type Cores, divideCores, moveTo } from '../edge/cores.ts'
import { installPeers } from '../peers.ts'
import { isAccepted, startGdnsd } from './gdnsd.ts'
import { startOurs } from './knot.ts'
import { startPowerdns } from './powerdns.ts'
import { renderQueries } from './queries.ts'
import type { NameServer, StartServer } from './servers.ts'

/** Three name servers with the same map, and the means to query them. */
export type Place = {
  root: string
  cores: Cores
  /** For dnsperf: contains the queries. */
  folder: string
  queries: string
  servers: Record<Contestant, NameServer>
  map: KnotMap
  /** The same networks with the regions swapped, which all servers load when the map changes. */
  changed: KnotMap
  networks: number
}

export type Contestant = 'ours' | 'gdnsd' | 'powerdns'
export const contestants: readonly Contestant[] = ['ours', 'gdnsd', 'powerdns']

const queryCount = 100_000

/** The map of the example's two regions from the city database, with the default size limit. */
export async function withPlace<T>(
  seed: number,
  say: (line: string) => void,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  const root = await installPeers('dns-peers')
  const cores = divideCores()
  const worldLock = await takeWorldLock()
  const ends: (() => unknown)[] = [worldLock.end, () => moveTo(cores.all)]
  try {
    const topology = await knotTopology({ steering: { geoip: cityPlaces } })
    say('computing the map unless cached')
    const cacheFolder = join(cacheDir(process.env), 'steering')
    const table = await readTable(await buildTable({ topology, folder: import.meta.dirname, cacheFolder }))
    const map = knotMap(topology, regionsOf(topology), table, {})
    const nets = [...map.nets()]
    const folder = temporaryFolder('bench')
    const queries = join(folder, 'load/queries')
    mkdirSync(join(folder, 'load'))
    writeFileSync(
      queries,
      renderQueries(topology.domain, nets.filter(isAccepted), queryCount, seeded(seed, 'queries')),
    )

    const address = regionsOf(topology)[0]!.address
    const starts: Record<Contestant, StartServer> = {
      ours: startOurs(topology, 'us-east'),
      gdnsd: startGdnsd,
      powerdns: startPowerdns,
    }
    const servers = {} as Place['servers']
    // All use the same cores; only one works at a time.
    moveTo(cores.proxy)
    for (const [index, name] of contestants.entries()) {
      const server = { address, port: topology.ports.dns + index }
      const ttlSeconds = topology.steering.ttlSeconds
      const options = { root, folder: join(folder, name), cores: cores.proxy, server, map, ttlSeconds }
      say(`starting ${name} with ${nets.length} networks`)
      servers[name] = await starts[name](options)
      ends.push(() => servers[name].stop())
    }
    moveTo(cores.others)
    return await use({
      root,
      cores,
      folder: join(folder, 'load'),
      queries,
      servers,
      map,
      changed: swapped(map),
      networks: nets.length,
    })
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

function swapped(map: KnotMap): KnotMap {
  return {
    ...map,
    *nets() {
      for (const net of map.nets()) yield { ...net, value: map.answers.length - 1 - net.value }
    },
  }
}
