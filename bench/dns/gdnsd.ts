import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KnotMap } from '../../src/engines/knot/map.ts'
import { udpWorkers } from '../../src/engines/knot/render.ts'
import type { Net } from '../../src/geo/cover.ts'
import { formatPrefix } from '../../src/geo/prefix.ts'
import { runPeer } from '../peers.ts'
import { untilAnswering } from './answering.ts'
import type { StartServer } from './servers.ts'

/** gdnsd with its geoip plugin, using only our networks, which it reads from a separate file. */
export const startGdnsd: StartServer = async ({ root, folder, cores, server, map, ttlSeconds }) => {
  for (const name of ['geoip', 'zones', 'run', 'state'])
    mkdirSync(join(folder, name), { recursive: true, mode: 0o755 })
  writeFileSync(join(folder, 'config'), renderConfig(folder, server, map))
  writeFileSync(join(folder, 'zones', map.domain), renderZone(ttlSeconds))
  writeFileSync(join(folder, 'geoip/nets'), renderNets(map))
  const gdnsd = await runPeer(root, folder, cores, ['gdnsd', '-c', folder, 'start'])
  const started = {
    name: 'gdnsd',
    server,
    pids: () => [gdnsd.pid],
    /** It polls the file and waits until it has been stable for a while. */
    async change(changed: KnotMap) {
      writeFileSync(join(folder, 'geoip/nets.new'), renderNets(changed))
      renameSync(join(folder, 'geoip/nets.new'), join(folder, 'geoip/nets'))
    },
    output: gdnsd.output,
    stop: gdnsd.stop,
  }
  await untilAnswering(started, map, gdnsd.hasEnded)
  return started
}

function renderConfig(folder: string, { address, port }: { address: string; port: number }, map: KnotMap) {
  const datacenters = map.answers.map((_, number) => `r${number}`)
  return `options => {
  listen => ${address}:${port}
  udp_threads => ${udpWorkers}
  tcp_threads => 1
  run_dir => ${folder}/run
  state_dir => ${folder}/state
}
plugins => { geoip => {
  maps => { world => { datacenters => [${datacenters.join(', ')}], nets => nets } }
  resources => { app => {
    map => world
    service_types => up
    dcmap => { ${map.answers.map((addresses, number) => `r${number} => [${addresses.join(', ')}]`).join(', ')} }
  } }
} }
`
}

const renderZone = (ttlSeconds: number) => `@ SOA ns1 hostmaster 1 3600 600 604800 ${ttlSeconds}
@ NS ns1
ns1 A 127.0.0.1
@ ${ttlSeconds} DYNA geoip!app
`

function renderNets(map: KnotMap): string {
  const lines: string[] = []
  for (const net of map.nets()) if (isAccepted(net)) lines.push(`${formatPrefix(net)} => r${net.value}\n`)
  return lines.join('')
}

/** gdnsd refuses IPv6 networks that embed IPv4 ones (6to4, Teredo and similar). */
export const isAccepted = ({ family, high }: Pick<Net, 'family' | 'high'>): boolean =>
  family === 4 || (high >>> 16 !== 0x2002 && high !== 0x20010000 && high >>> 16 !== 0)
