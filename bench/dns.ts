import { setTimeout as delay } from 'node:timers/promises'
import type { KnotMap } from '../src/engines/knot/map.ts'
import { udpWorkers } from '../src/engines/knot/render.ts'
import { withDescendants } from '../src/lib/proc.ts'
import { answerOf, isRight, sample } from './dns/answering.ts'
import { droppedAt } from './dns/dropped.ts'
import { isAccepted } from './dns/gdnsd.ts'
import { resultOf, startLoad } from './dns/load.ts'
import { type Contestant, contestants, type Place, withPlace } from './dns/place.ts'
import type { NameServer } from './dns/servers.ts'
import type { Benchmark, Figure } from './figure.ts'
import { median, spreadOf, sum } from './statistics.ts'
import { cpuSecondsOf, memoryOf } from './usage.ts'

const defaultRuns = 6
const secondsEach = 4
/** Load while the map changes, well within the capacity of each server. */
const steadyPerSecond = 5000
/** Networks for which all servers must give the same answer before anything is measured. */
const sampleSize = 2000

export const dns: Benchmark = {
  name: 'dns',
  title: 'DNS compared with gdnsd and PowerDNS',
  peers: 'dns-peers',
  how: `Knot with the configuration of a world of two regions, gdnsd (geoip plugin) and PowerDNS (geoip backend), each with the map that
the geoip database gives the example, ${udpWorkers} threads each, alternating on the same cores. Users anywhere in the map query with their
network (ECS), 100,000 different queries; dnsperf over loopback, ${secondsEach} s each, on other cores than the servers. Before that, all three give the
same answer to ${sampleSize} networks spread over the map. The ratio is the median over the rounds. CPU: where dnsperf is the bottleneck, only CPU
distinguishes the servers. Map change: every answer changes while ${steadyPerSecond} queries a second arrive; from the decision until the new answer is
seen. Lost: no answer within a second. Dropped: by the kernel, because the server’s queues were full (probes for the new answer included). The
server was then too busy to read them or had no core for a while, or dnsperf had none and then sent its backlog at once.`,
  run: ({ runs = defaultRuns, seed }, say) =>
    withPlace(seed, say, async (place) => {
      const scopes = await agree(place, say)
      const measurements = await race(place, runs, say)
      const changes = await changeMaps(place, Math.ceil(runs / 2), say)
      return [
        { what: 'networks in the map', value: place.networks, unit: '' },
        ...contestants.map(
          (name): Figure => ({
            what: `answers whose scope is their whole network, ${place.servers[name].name}`,
            value: scopes[name],
            unit: '%',
            ...(name === 'powerdns'
              ? {
                  note: 'the others have the queried /24 or /56 as their scope: resolvers query each one separately',
                }
              : {}),
          }),
        ),
        ...versus(place, measurements, 'answers', '/s', (measurement) => measurement.perSecond),
        ...versus(place, measurements, 'CPU per answer', 'µs', (measurement) => measurement.cpuMicros),
        ...memory(place),
        ...versus(place, changes, 'map change', 's', (change) => change.seconds),
        ...contestants.map((name): Figure => {
          const own = changes[name]
          return {
            what: `queries lost during map changes, ${place.servers[name].name}`,
            value: sum(own.map(({ lost }) => lost)),
            unit: '',
            note: `of ${sum(own.map(({ sent }) => sent))} in ${count(own.length, 'change')}; ${sum(own.map(({ dropped }) => dropped))} dropped; slowest answer ${Math.max(...own.map(({ slowestMs }) => slowestMs)).toFixed(0)} ms`,
            ...(name === 'ours' ? { target: { atMost: 0 } } : {}),
          }
        }),
      ]
    }),
}

/** Throws if they disagree. Resolves to the percentage of answers with exactly the scope of the map's network, by server. */
async function agree(
  { servers, map }: Place,
  say: (line: string) => void,
): Promise<Record<Contestant, number>> {
  const percent = { ours: 0, gdnsd: 0, powerdns: 0 }
  const probes = sample(map, sampleSize).filter(({ net }) => isAccepted(net))
  for (const name of contestants) {
    const { server, name: said } = servers[name]
    let sameScope = 0
    for (const probe of probes) {
      const seen = await answerOf(server, map.domain, probe.net)
      const wanted = [...probe.addresses].sort().join()
      if (seen?.addresses !== wanted)
        throw new Error(`${said}: ${JSON.stringify({ ...probe, seen })}: wrong answer, cannot measure`)
      if (seen.scope === probe.net.length) sameScope += 1
    }
    percent[name] = (100 * sameScope) / probes.length
    say(`${said}: ${probes.length} correct answers, ${sameScope} of them with the exact scope`)
  }
  return percent
}

type Measurement = { perSecond: number; cpuMicros: number }

async function race(
  place: Place,
  runs: number,
  say: (line: string) => void,
): Promise<Record<Contestant, Measurement[]>> {
  const measurements: Record<Contestant, Measurement[]> = { ours: [], gdnsd: [], powerdns: [] }
  for (let run = 0; run < runs; run += 1) {
    const order = run % 2 === 0 ? contestants : contestants.toReversed()
    for (const name of order) measurements[name].push(await measureOnce(place, place.servers[name]))
    say(
      `round ${run + 1} of ${runs}: ${contestants.map((name) => `${place.servers[name].name} ${measurements[name].at(-1)!.perSecond.toFixed(0)}/s`).join(', ')}`,
    )
  }
  return measurements
}

async function measureOnce(place: Place, { server, pids }: NameServer): Promise<Measurement> {
  const before = cpuSecondsOf(pids())
  const load = await startLoad({ ...place, cores: place.cores.others, server, seconds: secondsEach })
  const { sent, lost, perSecond } = await resultOf(load)
  return { perSecond, cpuMicros: ((cpuSecondsOf(pids()) - before) / (sent - lost)) * 1e6 }
}

type Change = { seconds: number; sent: number; lost: number; dropped: number; slowestMs: number }

async function changeMaps(
  place: Place,
  runs: number,
  say: (line: string) => void,
): Promise<Record<Contestant, Change[]>> {
  const changes: Record<Contestant, Change[]> = { ours: [], gdnsd: [], powerdns: [] }
  for (let run = 0; run < runs; run += 1)
    for (const name of contestants) {
      const change = await changeMap(place, place.servers[name], run % 2 === 0 ? place.changed : place.map)
      changes[name].push(change)
      say(
        `${place.servers[name].name}: map changed in ${change.seconds.toFixed(2)} s, ${change.lost} of ${change.sent} lost, ${change.dropped} dropped, slowest ${change.slowestMs.toFixed(0)} ms`,
      )
    }
  return changes
}

const changeLimitSeconds = 40

async function changeMap(
  place: Place,
  { name, server, change, output }: NameServer,
  to: KnotMap,
): Promise<Change> {
  const droppedBefore = droppedAt(server)
  const load = await startLoad({
    ...place,
    cores: place.cores.others,
    server,
    perSecond: steadyPerSecond,
    seconds: changeLimitSeconds + 10,
  })
  try {
    await delay(1000)
    const probes = sample(to, 4)
    const startedMs = performance.now()
    const seconds = () => (performance.now() - startedMs) / 1000
    const told = change(to)
    for (;;) {
      const right = await Promise.all(probes.map((probe) => isRight(server, to.domain, probe)))
      if (right.every(Boolean)) break
      if (seconds() > changeLimitSeconds)
        throw new Error(`${name} does not answer from its new map:\n${output().slice(-4000)}`)
      await delay(5)
    }
    const took = seconds()
    await told
    await delay(2000)
    load.signal('SIGINT')
    const result = await resultOf(load)
    return { seconds: took, ...result, dropped: droppedAt(server) - droppedBefore }
  } finally {
    await load.stop()
  }
}

/** One row per peer. */
function versus<T>(
  { servers }: Place,
  measured: Record<Contestant, T[]>,
  what: string,
  unit: Figure['unit'],
  of: (one: T) => number,
): Figure[] {
  const value = median(measured.ours.map(of))
  return (['gdnsd', 'powerdns'] as const).map((peer, index) => {
    const ratios = measured.ours.map((one, i) => of(one) / of(measured[peer][i]!))
    return {
      what: index === 0 ? what : `  ${what}`,
      value,
      unit,
      peer: {
        name: servers[peer].name,
        value: median(measured[peer].map(of)),
        ratio: median(ratios),
        ratioSpread: spreadOf(ratios),
      },
    }
  })
}

function memory({ servers }: Place): Figure[] {
  const of = (name: Contestant) => [
    { megabytes: sum(withDescendants(servers[name].pids()).map((pid) => memoryOf(pid).residentMb)) },
  ]
  const measured = { ours: of('ours'), gdnsd: of('gdnsd'), powerdns: of('powerdns') }
  return versus({ servers } as Place, measured, 'memory', 'MB', ({ megabytes }) => megabytes)
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
