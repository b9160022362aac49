import { netsOf, uniformCover } from '../../geo/cover.ts'
import type { EnginePart, PlanFile } from '../../plan.ts'
import { type RegionContext, runFolder } from '../context.ts'
import { markLabel, renderMap, renderMark } from './map.ts'

/** Paths in the region's folder, which is Knot's working directory. */
export const knotPaths = {
  config: 'etc/knot/knot.conf',
  /** The same configuration with `candidate` as its map: what `knotc conf-check` is shown before a map is used. */
  candidateConfig: 'etc/knot/candidate.conf',
  zone: 'etc/knot/zone',
  /** Used at the first start, and when the live map is missing or broken. */
  initialMap: 'etc/knot/initial-map.conf',
  /** Written by the agent, not by the plan: it changes while Knot runs. */
  map: 'data/knot/map.conf',
  candidateMap: 'data/knot/map-candidate.conf',
  previousMap: 'data/knot/map-previous.conf',
} as const

/** Threads, for whoever compares; why so many stands in the configuration. */
export const udpWorkers = 4

const knotSocket = `${runFolder}/knot.sock`

/** Knot's slice of a region's plan; nothing where no users arrive. */
export function renderKnot(context: RegionContext): EnginePart {
  const { region, topology } = context
  if (!region.serves) return { folders: [], files: [], processes: [] }
  return {
    folders: ['etc/knot', 'data/knot'],
    files: [
      file(knotPaths.config, renderConfig(context, knotPaths.map)),
      file(knotPaths.candidateConfig, renderConfig(context, knotPaths.candidateMap)),
      file(knotPaths.zone, renderZone(context)),
      file(knotPaths.initialMap, renderInitialMap(context)),
    ],
    processes: [
      {
        name: 'knot',
        engine: 'knot',
        command: ['sh', '-c', startScript],
        env: {},
        run: 'engine',
        after: [],
        ready: {
          kind: 'exec',
          command: [
            'kdig',
            `@${region.address}`,
            ...['-p', String(topology.ports.dns), '+timeout=2', '+retry=0', topology.domain, 'SOA'],
          ],
        },
        readyTimeoutMs: 10_000,
        validate: ['sh', '-c', validateScript],
        stop: { signal: 'SIGTERM', timeoutMs: 5000 },
      },
    ],
  }
}

/**
 * Knot refuses to start without a sound map, and the live one is not the plan's to write: so it is checked here, at
 * every start, and replaced by the initial one if need be. This needs no agent.
 */
const startScript = [
  `knotc -c ${knotPaths.config} conf-check >/dev/null 2>&1 && [ -s ${knotPaths.map} ]`,
  `|| cp -f ${knotPaths.initialMap} ${knotPaths.map};`,
  // Left by a knotd that was killed; by now its number may be another process's, and knotd would not start.
  `rm -f ${runFolder}/knot.pid;`,
  `exec knotd -c ${knotPaths.config}`,
].join(' ')

/** In a folder where it does not run: the initial map stands in for the live one. */
const validateScript = [
  `cp -f ${knotPaths.initialMap} ${knotPaths.map} &&`,
  `exec knotc -c ${knotPaths.config} conf-check`,
].join(' ')

function renderConfig({ topology, region }: RegionContext, map: string): string {
  return `# Made by nearside from the topology; changes here are lost.
server:
    rundir: "${runFolder}"
    listen: ${region.address}@${topology.ports.dns}
    # Nothing about the software or the host for the curious.
    identity: ""
    version: ""
    nsid: ""
    # Each has a socket with a queue of its own, of some 250 questions: all that is kept while another program has the
    # processor, or when many questions come at once. So there are more than the work needs.
    udp-workers: ${udpWorkers}
    tcp-workers: 1
    background-workers: 1
    # Off by default, and then the user's network is ignored.
    edns-client-subnet: on

control:
    listen: "${knotSocket}"

log:
  - target: stderr
    any: notice

database:
    storage: "data/knot"

mod-geoip:
  - id: map
    config-file: "${map}"
    ttl: ${topology.steering.ttlSeconds}
    mode: subnet
    dnssec: off

# Against the use of this server for flooding others. A limited answer is a truncated one, so that a real resolver
# asks again over TCP. Large resolvers ask from few addresses: the limit leaves them room.
mod-rrl:
  - id: limit
    rate-limit: 1000
    instant-limit: 2000
    slip: 1
    time-rate-limit: 0
    table-size: 65536
    whitelist: 127.0.0.0/8

mod-stats:
  - id: counters

template:
  - id: default
    storage: "etc/knot"
    semantic-checks: on
    journal-content: none
    zonefile-sync: -1
    global-module: [mod-rrl/limit, mod-stats/counters]

zone:
  - domain: ${topology.domain}.
    file: "zone"
    module: mod-geoip/map
`
}

/** Resolvers ask the other name servers when one is gone, so these need not be as fresh as the answers. */
const nameServerTtlSeconds = 3600

/**
 * Everything that is the same for all users. The addresses at the name itself are only what is left when there is no
 * map: all serving regions, so that whatever is lost one of them answers (fail open).
 */
function renderZone({ topology, regions }: RegionContext): string {
  const serving = regions.filter((region) => region.serves)
  const { ttlSeconds } = topology.steering
  const lines = [
    `$ORIGIN ${topology.domain}.`,
    `$TTL ${nameServerTtlSeconds}`,
    // The last number is how long "there is no such name" may be kept.
    `@ SOA ns1 hostmaster 1 3600 600 604800 ${ttlSeconds}`,
    ...serving.map((_, index) => `@ NS ns${index + 1}`),
    ...serving.map((region) => `@ ${ttlSeconds} A ${region.address}`),
    ...serving.map((region, index) => `ns${index + 1} A ${region.address}`),
    `${markLabel} ${ttlSeconds} TXT "map=none"`,
  ]
  return `${lines.join('\n')}\n`
}

/** Before there is a table: every user gets every serving region, in topology order. */
function renderInitialMap({ topology, regions }: RegionContext): string {
  const all = regions.filter((region) => region.serves).map((region) => region.address)
  const map = renderMap({
    domain: topology.domain,
    nets: () => [uniformCover(4, 0), uniformCover(6, 0)].flatMap(netsOf),
    answers: [all],
  })
  return [...map, renderMark(topology.domain, 'initial')].join('')
}

function file(path: string, content: string): PlanFile {
  return { path, mode: 0o644, content }
}
