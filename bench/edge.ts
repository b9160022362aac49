import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '../test/support/requests.ts'
import { takeWorldLock } from '../test/support/world/world-lock.ts'
import { load } from './edge/load.ts'
import type { Assets } from './edge/nginx.ts'
import { type AppKind, type Contestant, type Place, withPlace } from './edge/place.ts'
import { versusNginx } from './edge/versus.ts'
import type { Benchmark, Figure, Target } from './figure.ts'
import { installPeers } from './peers.ts'
import { cpuSecondsOf } from './usage.ts'

const defaultRuns = 6
const connections = 64
const secondsEach = 3

/** A response header that proves that the right cache answered. */
type Proof = { header: string; pattern: RegExp }

type Contest = {
  what: string
  app: AppKind
  path: string
  proof?: { ours: Proof; nginx: Proof }
  target?: Target
}

const assets: Assets = [
  { path: '/assets/immutable.css', kilobytes: 4, cacheControl: 'public, max-age=31536000, immutable' },
  { path: '/assets/purgeable.css', kilobytes: 4, cacheControl: 'public, max-age=3600' },
]

const nginxHit = { header: 'cache-status', pattern: /HIT/ }

const contests: Contest[] = [
  { what: 'proxied to an app in plain Node', app: 'node', path: '/', target: { atLeast: 1 } },
  { what: 'proxied to an app with negligible cost', app: 'nginx', path: '/' },
  {
    what: 'immutable asset, from HAProxy’s memory',
    app: 'nginx',
    path: '/assets/immutable.css',
    proof: { ours: { header: 'cache-status', pattern: /hit; detail=memory/ }, nginx: nginxHit },
    target: { atLeast: 0.9 },
  },
  {
    what: 'purgeable asset, through Varnish',
    app: 'nginx',
    path: '/assets/purgeable.css',
    proof: { ours: { header: 'cache-status', pattern: /; hit(?!; detail=memory)/ }, nginx: nginxHit },
  },
]

export const edge: Benchmark = {
  name: 'edge',
  title: 'The edge compared with nginx',
  peers: 'peers',
  how: `The edge, with the configuration of a world of two regions and a witness, and plain nginx, alternating in front of the same
app: two instances in plain Node that do nothing, and an nginx that answers 1 kB at once. Loopback, ${connections} kept connections, ${secondsEach} s each. A
proxy has half of the cores and as many threads; load and app have the others. The ratio is the median over the rounds. CPU: of all the proxy's
processes; where load and app are the bottleneck, only CPU distinguishes the proxies. The edge samples its traffic for the log; nginx is measured
without its access log, and once more with it.`,
  async run({ runs = defaultRuns }, say) {
    const root = await installPeers('peers')
    const figures: Figure[] = []
    const machine = await takeWorldLock()
    try {
      for (const app of ['node', 'nginx'] as const)
        await withPlace(root, app, assets, async (place) => {
          for (const contest of contests.filter((one) => one.app === app))
            figures.push(...(await contend(place, contest, runs, say)))
        })
    } finally {
      machine.end()
    }
    return figures
  },
}

type Measurement = { perSecond: number; cpuMicros: number }

async function contend(
  place: Place,
  { what, path, proof, target }: Contest,
  runs: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const measurements: Record<Contestant, Measurement[]> = { ours: [], nginx: [], nginxLogging: [] }
  const names = Object.keys(measurements) as Contestant[]
  for (const name of names)
    await prove(place.proxies[name].url + path, proof?.[name === 'ours' ? name : 'nginx'])
  for (let run = 0; run < runs; run += 1) {
    // The later one finds a warmer machine, so they alternate.
    const order = run % 2 === 0 ? names : names.toReversed()
    for (const name of order) measurements[name].push(await measureOnce(place, name, path))
  }
  const versus = (name: 'nginx' | 'nginxLogging', of: (measurement: Measurement) => number) =>
    versusNginx({ ours: measurements.ours, nginx: measurements[name] }, of)
  const perSecond = versus('nginx', (measurement) => measurement.perSecond)
  say(`${what}: ${perSecond.value.toFixed(0)}/s, ${perSecond.peer.ratio.toFixed(2)} of nginx`)
  return [
    { what, ...perSecond, unit: '/s', ...(target ? { target } : {}) },
    {
      what: '  against nginx with its log',
      ...versus('nginxLogging', (measurement) => measurement.perSecond),
      unit: '/s',
    },
    { what: '  CPU per request', ...versus('nginx', (measurement) => measurement.cpuMicros), unit: 'µs' },
  ]
}

async function measureOnce(place: Place, name: Contestant, path: string): Promise<Measurement> {
  const { root, cores, folder } = place
  const { url, pids } = place.proxies[name]
  const before = cpuSecondsOf(pids)
  const { requests, perSecond } = await load({
    root,
    folder: `${folder}/load`,
    cores: cores.others,
    url: url + path,
    connections,
    seconds: secondsEach,
  })
  const cpuMicros = ((cpuSecondsOf(pids) - before) / requests) * 1e6
  await delay(300)
  return { perSecond, cpuMicros }
}

/** Requests several times, because the first request may fill the cache. */
async function prove(url: string, proof: Proof | undefined): Promise<void> {
  const { hostname, port, pathname } = new URL(url)
  for (let asked = 1; ; asked += 1) {
    const { status, headers } = await ask(hostname, Number(port), pathname)
    if (status === 200 && (!proof || proof.pattern.test(String(headers[proof.header])))) return
    if (asked === 10)
      throw new Error(
        `${url}: not from the expected cache, cannot measure: ${status} ${JSON.stringify(headers)}`,
      )
    await delay(100)
  }
}
