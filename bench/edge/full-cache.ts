import { join } from 'node:path'
import { type Random, seeded } from '../../src/lab/users/plan/random.ts'
import { sizeOf } from '../../src/lib/disk-usage.ts'
import type { Figure } from '../figure.ts'
import { sum } from '../statistics.ts'
import { cpuSecondsOf } from '../usage.ts'
import { type Fetched, fetchAll } from './files.ts'
import type { Place } from './place.ts'
import { alternate, versusNginx } from './versus.ts'

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
  { proxies, folder }: Place,
  runs: number,
  seed: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const filling = Array.from({ length: fillFiles }, (_, n) => small(n))
  for (const name of ['ours', 'nginx'] as const) {
    const { failed } = shares((await fetchAll(proxies[name].url, filling, connections)).fetched)
    if (failed > 0) throw new Error(`${name}: ${failed} responses failed while the cache was filled`)
  }
  const rounds = await alternate<Measured>(runs, async (name, run) => {
    const paths = mix(seeded(seed, `full cache ${run}`))
    const { url, pids } = proxies[name]
    const before = cpuSecondsOf(pids)
    const { fetched, seconds } = await fetchAll(url, paths, connections)
    const cpuMicros = ((cpuSecondsOf(pids) - before) / paths.length) * 1e6
    return { ...shares(fetched), perSecond: paths.length / seconds, cpuMicros }
  })
  const nginxMegabytes = Math.round((await sizeOf(join(folder, 'nginx/files'))) / 1e6)
  const failed = (of: readonly Measured[]) => sum(of.map((one) => one.failed))
  const perSecond = versusNginx(rounds, (one) => one.perSecond)
  say(`full cache: ${failed(rounds.ours)} failed, ${perSecond.peer.ratio.toFixed(2)} of nginx’s throughput`)
  return [
    {
      what: 'full cache: failed or truncated responses',
      value: failed(rounds.ours),
      unit: '',
      target: { atMost: 0 },
      note: `of ${runs * mixRequests}; nginx: ${failed(rounds.nginx)}`,
    },
    { what: '  requests', ...perSecond, unit: '/s' },
    { what: '  CPU per request', ...versusNginx(rounds, (one) => one.cpuMicros), unit: 'µs' },
    {
      what: '  answered from the cache',
      ...versusNginx(rounds, (one) => one.hitShare * 100),
      unit: '%',
      note: `nginx’s cache took ${nginxMegabytes} MB at the end`,
    },
  ]
}

const small = (n: number) => `/files/small-${n}/${smallBytes}`

function shares(fetched: readonly Fetched[]): Pick<Measured, 'hitShare' | 'failed'> {
  const hits = fetched.filter((one) => one.hit).length
  return { hitShare: hits / fetched.length, failed: fetched.filter(({ whole }) => !whole).length }
}

/** The same requests for both. */
function mix(random: Random): string[] {
  const below = (limit: number) => Math.floor(random() * limit)
  return Array.from({ length: mixRequests }, () => {
    if (random() < 0.1) return `/files/large-${below(10)}/${largeBytes[below(largeBytes.length)]}`
    // Popularity falls: most requests are for few files.
    return small(Math.floor(fillFiles * random() ** 4))
  })
}
