import type { Figure } from '../figure.ts'
import { median, spreadOf, sum } from '../statistics.ts'
import { cpuSecondsOf } from '../usage.ts'
import { type Fetched, fetchAll } from './files.ts'
import type { Contestant, Place } from './place.ts'

const kB = 1000
/** Over 64 MB together. */
export const fillFiles = 9000
export const mixRequests = 2000
const connections = 16
const smallBytes = 10 * kB
const largeBytes = [500 * kB, 1000 * kB, 2000 * kB, 5000 * kB]

type Measured = { perSecond: number; cpuMicros: number; hitShare: number; failed: number }

/** A cache that is full of small files, and then has to make room for larger ones. */
export async function compareFullCaches(
  { proxies }: Place,
  runs: number,
  seed: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const names = ['ours', 'nginx'] as const satisfies Contestant[]
  const filling = Array.from({ length: fillFiles }, (_, n) => small(n))
  for (const name of names) {
    const { fetched } = await fetchAll(proxies[name].url, filling, connections)
    if (name === 'ours' && fetched.some(({ whole }) => !whole))
      say('a small file failed while the cache was filled')
  }
  const measured: Record<(typeof names)[number], Measured[]> = { ours: [], nginx: [] }
  for (let run = 0; run < runs; run += 1) {
    const paths = mix(seed * 1000 + run)
    for (const name of run % 2 === 0 ? names : names.toReversed()) {
      const { url, pids } = proxies[name]
      const before = cpuSecondsOf(pids)
      const { fetched, seconds } = await fetchAll(url, paths, connections)
      const cpuMicros = ((cpuSecondsOf(pids) - before) / paths.length) * 1e6
      measured[name].push({ ...shares(fetched), perSecond: paths.length / seconds, cpuMicros })
    }
  }
  const failed = (name: (typeof names)[number]) => sum(measured[name].map((one) => one.failed))
  const versus = (of: (one: Measured) => number): Pick<Figure, 'value' | 'peer'> => {
    const ratios = measured.ours.map((one, run) => of(one) / of(measured.nginx[run]!))
    const value = median(measured.nginx.map(of))
    return {
      value: median(measured.ours.map(of)),
      peer: { name: 'nginx', value, ratio: median(ratios), ratioSpread: spreadOf(ratios) },
    }
  }
  const perSecond = versus((one) => one.perSecond)
  say(`full cache: ${failed('ours')} failed, ${perSecond.peer!.ratio.toFixed(2)} of nginx’s throughput`)
  return [
    {
      what: 'full cache: failed or truncated responses',
      value: failed('ours'),
      unit: '',
      target: { atMost: 0 },
      note: `of ${runs * mixRequests}; nginx: ${failed('nginx')}`,
    },
    { what: '  requests', ...perSecond, unit: '/s' },
    { what: '  CPU per request', ...versus((one) => one.cpuMicros), unit: 'µs' },
    { what: '  answered from the cache', ...versus((one) => one.hitShare * 100), unit: '%' },
  ]
}

const small = (n: number) => `/files/small-${n}/${smallBytes}`

function shares(fetched: readonly Fetched[]): Pick<Measured, 'hitShare' | 'failed'> {
  const hits = fetched.filter((one) => one.hit).length
  return { hitShare: hits / fetched.length, failed: fetched.filter(({ whole }) => !whole).length }
}

/** The same requests for both. */
function mix(seed: number): string[] {
  const random = randomFrom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  return Array.from({ length: mixRequests }, () => {
    if (random() < 0.1) return `/files/large-${below(10)}/${largeBytes[below(largeBytes.length)]}`
    // Popularity falls: most requests are for few files.
    return small(Math.floor(fillFiles * random() ** 4))
  })
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
