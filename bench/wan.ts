import { readRecord } from '../src/lab/wan/record.ts'
import { identify, usage } from '../src/lib/proc.ts'
import { type Line, lineMissing, startLine } from '../test/support/lab/line.ts'
import { takeWorldLock } from '../test/support/world/world-lock.ts'
import type { Benchmark, Figure } from './figure.ts'
import { median, spreadOf, sum } from './statistics.ts'

const defaultRuns = 5
const secondsEach = 3
const perSecond = 30_000
const delayMs = 30
const changes = 40
const idleMs = 3_000

/** Results of one flow of packets. */
type Flow = {
  p50Micros: number
  p99Micros: number
  worstMicros: number
  arrivedPerSecond: number
  cpuPercent: number
  missing: number
  outOfOrder: number
}

export const wan: Benchmark = {
  name: 'wan',
  title: 'The lab’s shaper',
  how: `Two network namespaces and the shaper between them, nothing else. ${perSecond.toLocaleString('en')} packets/s of 200 bytes through
one link of ${delayMs} ms, ${secondsEach} s per run: how much later than ${delayMs} ms after sending does the kernel deliver a packet at the other end?
That includes the way through three namespaces, and the machine's other work. Sender and receiver share its cores with the
shaper; the sender alone takes one. Flood: as fast as the sender can. Change: from the request for a cut until it is in force.`,
  async run({ runs = defaultRuns, seed }, say) {
    const missing = lineMissing()
    if (missing) throw new Error(missing)
    say('waiting for other worlds to stop')
    const worldLock = await takeWorldLock()
    const line = await startLine()
    try {
      await line.shaper.seed(seed)
      const steady: Flow[] = []
      const flood: Flow[] = []
      for (let run = 1; run <= runs; run += 1) {
        await line.set({ delayMs })
        steady.push(await flow(line, perSecond * secondsEach, 1e6 / perSecond))
        flood.push(await flow(line, 300_000, 0))
        say(`run ${run} of ${runs}: p99 ${steady.at(-1)!.p99Micros.toFixed(0)} µs late`)
      }
      const idle = await idlePercent(line)
      const toCut = await changeMs(line)
      const total = (pick: (flow: Flow) => number) => sum(steady.map(pick))
      return [
        figure('late at the median', 'µs', steady, (one) => one.p50Micros),
        {
          ...figure('late at the 99th percentile', 'µs', steady, (one) => one.p99Micros),
          target: { atMost: 1000 },
        },
        figure('late, maximum', 'µs', steady, (one) => one.worstMicros),
        {
          what: `lost of ${runs * perSecond * secondsEach}`,
          value: total((one) => one.missing),
          unit: '',
          target: { atMost: 0 },
        },
        { what: 'out of order', value: total((one) => one.outOfOrder), unit: '', target: { atMost: 0 } },
        figure('share of one core', '%', steady, (one) => one.cpuPercent),
        {
          ...figure('flood, arrived', '/s', flood, (one) => one.arrivedPerSecond),
          target: { atLeast: perSecond },
        },
        figure('flood, share of one core', '%', flood, (one) => one.cpuPercent),
        { what: 'share of one core while idle', value: idle, unit: '%' },
        {
          what: 'time until a change is in force',
          value: median(toCut),
          unit: 'ms',
          spread: spreadOf(toCut),
          target: { atMost: 100 },
        },
        { what: 'memory', value: used(line).rssBytes / 1e6, unit: 'MB' },
      ]
    } finally {
      await line.close()
      worldLock.end()
    }
  },
}

function figure(
  what: string,
  unit: Figure['unit'],
  flows: readonly Flow[],
  pick: (flow: Flow) => number,
): Figure {
  const values = flows.map(pick)
  return { what, value: median(values), unit, spread: spreadOf(values) }
}

function used(line: Line) {
  const found = usage(identify(readRecord(line.folder)!.pid)!)
  if (!found) throw new Error('the shaper has exited')
  return found
}

async function flow(line: Line, count: number, everyUs: number): Promise<Flow> {
  const before = used(line).cpuSeconds
  const arrivals = await line.probe({ count, everyUs, waitMs: 500 })
  const cpuSeconds = used(line).cpuSeconds - before
  const late = arrivals.map((one) => (one.delayMs - delayMs) * 1000).sort((a, b) => a - b)
  const [first, last] = [arrivals[0], arrivals.at(-1)]
  if (!first || !last) throw new Error('no packet arrived')
  const seconds = (last.arrivedMs - first.arrivedMs) / 1000
  return {
    p50Micros: late[late.length >> 1]!,
    p99Micros: late[Math.floor(late.length * 0.99)]!,
    worstMicros: late.at(-1)!,
    arrivedPerSecond: arrivals.length / seconds,
    cpuPercent: (cpuSeconds / seconds) * 100,
    missing: count - arrivals.length,
    outOfOrder: arrivals.filter((one, i) => i > 0 && one.number < arrivals[i - 1]!.number).length,
  }
}

async function idlePercent(line: Line): Promise<number> {
  const before = used(line).cpuSeconds
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  return ((used(line).cpuSeconds - before) / idleMs) * 100_000
}

/** A change has taken effect when the promise resolves: tests show that no packet passes after that. */
async function changeMs(line: Line): Promise<number[]> {
  const took: number[] = []
  for (let i = 0; i < changes; i += 1) {
    const startedMs = performance.now()
    await line.set({ cut: i % 2 === 0 })
    took.push(performance.now() - startedMs)
  }
  return took
}
