import { setTimeout as delay } from 'node:timers/promises'
import { withDescendants } from '../src/lib/proc.ts'
import { ask } from '../test/support/requests.ts'
import { load } from './edge/load.ts'
import type { Assets } from './edge/nginx.ts'
import { bringPeers } from './edge/peers.ts'
import { type Place, withPlace } from './edge/place.ts'
import type { Benchmark, Figure, Target } from './figure.ts'
import { median, spreadOf, sum } from './statistics.ts'
import { ticksOf } from './usage.ts'

const defaultRuns = 6
const connections = 64
const secondsEach = 3

type Contest = {
  what: string
  path: string
  /** Response header that shows that the right cache answers. */
  proof?: { ours: [header: string, value: RegExp]; nginx: [header: string, value: RegExp] }
  target?: Target
}

const assets: Assets = [
  { path: '/assets/immutable.css', kilobytes: 4, cacheControl: 'public, max-age=31536000, immutable' },
  { path: '/assets/purgeable.css', kilobytes: 4, cacheControl: 'public, max-age=3600' },
]

const contests: Contest[] = [
  { what: 'proxied to the app', path: '/', target: { atLeast: 1 } },
  {
    what: 'immutable asset, from HAProxy’s memory',
    path: '/assets/immutable.css',
    proof: { ours: ['cache-status', /hit; detail=memory/], nginx: ['cache-status', /HIT/] },
    target: { atLeast: 0.9 },
  },
  {
    what: 'purgeable asset, through Varnish',
    path: '/assets/purgeable.css',
    proof: { ours: ['cache-status', /; hit(?!; detail=memory)/], nginx: ['cache-status', /HIT/] },
  },
]

export const edge: Benchmark = {
  name: 'edge',
  how: `Our edge, with the configuration of a world of two regions and a witness, and plain nginx in turns, before the same
app (an nginx that answers 1 kB at once). Loopback, ${connections} kept connections, ${secondsEach} s each. Proxies have half of the cores, as many
threads each; load and app have the others. The ratio is the median over pairs of turns. CPU: of all the proxy's processes.`,
  async run({ runs = defaultRuns }, say) {
    const root = await bringPeers()
    return withPlace(root, assets, async (place) => {
      const figures: Figure[] = []
      for (const contest of contests) figures.push(...(await contend(place, contest, runs, say)))
      return figures
    })
  },
}

type Turn = { perSecond: number; cpuMicros: number }

async function contend(
  place: Place,
  contest: Contest,
  runs: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const { what, path, target } = contest
  for (const name of ['ours', 'nginx'] as const) await prove(place, contest, name)
  const turns: Record<'ours' | 'nginx', Turn[]> = { ours: [], nginx: [] }
  for (let run = 0; run < runs; run += 1) {
    // Whoever is second meets a warmer machine: they change places.
    const order = run % 2 === 0 ? (['ours', 'nginx'] as const) : (['nginx', 'ours'] as const)
    for (const name of order) turns[name].push(await takeTurn(place, name, path))
  }
  const ratio = (of: (turn: Turn) => number) => turns.ours.map((turn, i) => of(turn) / of(turns.nginx[i]!))
  const against = (of: (turn: Turn) => number): Pick<Figure, 'value' | 'spread' | 'peer'> => ({
    value: median(turns.ours.map(of)),
    peer: {
      name: 'nginx',
      value: median(turns.nginx.map(of)),
      ratio: median(ratio(of)),
      ratioSpread: spreadOf(ratio(of)),
    },
  })
  const perSecond = against((turn) => turn.perSecond)
  say(`${what}: ${perSecond.value.toFixed(0)}/s, ${perSecond.peer!.ratio.toFixed(2)} of nginx`)
  return [
    { what, ...perSecond, unit: '/s', ...(target ? { target } : {}) },
    { what: '  CPU for each request', ...against((turn) => turn.cpuMicros), unit: 'µs' },
  ]
}

async function takeTurn(place: Place, name: 'ours' | 'nginx', path: string): Promise<Turn> {
  const { root, cores, folder } = place
  const { url, pids } = place[name]
  const before = cpuSeconds(pids)
  const { requests, perSecond } = await load({
    root,
    folder: `${folder}/load`,
    cores: cores.others,
    url: url + path,
    connections,
    seconds: secondsEach,
  })
  const cpuMicros = ((cpuSeconds(pids) - before) / requests) * 1e6
  await delay(300)
  return { perSecond, cpuMicros }
}

function cpuSeconds(pids: readonly number[]): number {
  return sum(withDescendants(pids).map((pid) => (ticksOf(pid) ?? 0) / 100))
}

/** Twice: the first may fill the cache. */
async function prove(
  { ours, nginx }: Place,
  { path, proof }: Contest,
  name: 'ours' | 'nginx',
): Promise<void> {
  const { hostname, port } = new URL({ ours, nginx }[name].url)
  for (let asked = 1; ; asked += 1) {
    const { status, headers } = await ask(hostname, Number(port), path)
    const right = !proof || proof[name][1].test(String(headers[proof[name][0]]))
    if (status === 200 && right) return
    if (asked === 10)
      throw new Error(`${name} ${path}: not what is to be measured: ${status} ${JSON.stringify(headers)}`)
    await delay(100)
  }
}
