import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KnotMap } from '../../src/engines/knot/map.ts'
import { udpWorkers } from '../../src/engines/knot/render.ts'
import { formatPrefix } from '../../src/geo/prefix.ts'
import { runPeer } from '../peers.ts'
import { untilAnswering } from './answering.ts'
import type { StartServer } from './servers.ts'

/** PowerDNS with its geoip backend and the networks in the zone file. Its packet cache skips answers that depend on ECS. */
export const startPowerdns: StartServer = async ({ root, folder, cores, server, map, ttlSeconds }) => {
  mkdirSync(folder, { recursive: true })
  const zones = join(folder, 'zones.yaml')
  const settings = {
    launch: 'geoip',
    'local-address': server.address,
    'local-port': server.port,
    'socket-dir': folder,
    'geoip-zones-file': zones,
    'geoip-database-files': '',
    'edns-subnet-processing': 'yes',
    'receiver-threads': udpWorkers,
    // One socket per thread, which the others do by default.
    reuseport: 'yes',
    // 1 lets the receiving thread answer as well.
    'distributor-threads': 1,
    'version-string': 'anonymous',
    'disable-syslog': 'yes',
    'write-pid': 'no',
    guardian: 'no',
    daemon: 'no',
    loglevel: 3,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(join(folder, 'pdns.conf'), lines.join(''))
  writeFileSync(zones, renderZones(map, ttlSeconds))
  const pdns = await runPeer(root, folder, cores, ['pdns_server', `--config-dir=${folder}`])
  const control = join(folder, 'control')
  const started = {
    name: 'PowerDNS',
    server,
    pids: () => [pdns.pid],
    async change(changed: KnotMap) {
      writeFileSync(`${zones}.new`, renderZones(changed, ttlSeconds))
      renameSync(`${zones}.new`, zones)
      const words = ['pdns_control', `--config-dir=${folder}`, `--socket-dir=${folder}`, 'reload']
      const told = await runPeer(root, control, cores, words, [folder])
      if ((await told.ended) !== 0) throw new Error(`pdns_control: ${told.output()}`)
    },
    output: pdns.output,
    stop: pdns.stop,
  }
  await untilAnswering(started, map, pdns.hasEnded)
  return started
}

function renderZones({ domain, nets, answers }: KnotMap, ttlSeconds: number): string {
  const lines = [
    'domains:\n',
    `- domain: ${domain}\n`,
    `  ttl: ${ttlSeconds}\n`,
    '  records:\n',
    `    ${domain}:\n`,
    `    - soa: ns1.${domain} hostmaster.${domain} 1 3600 600 604800 ${ttlSeconds}\n`,
    `    - ns: ns1.${domain}\n`,
    ...answers.flatMap((addresses, number) => [
      `    r${number}.${domain}:\n`,
      ...addresses.map((address) => `    - a: ${address}\n`),
    ]),
    '  services:\n',
    `    ${domain}:\n`,
    `      default: r0.${domain}\n`,
  ]
  for (const net of nets()) lines.push(`      "${formatPrefix(net)}": r${net.value}.${domain}\n`)
  return lines.join('')
}
