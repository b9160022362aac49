import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Arrival, type Line, lineMissing, startLine } from '../../support/lab/line.ts'
import { until } from '../../support/sandboxed.ts'

/** Maximum clock adjustment over 200 ms, since packets carry timestamps (500 ppm). */
const clockMs = 0.1

const delays = (arrivals: readonly Arrival[]) => arrivals.map((one) => one.delayMs).sort((a, b) => a - b)
const median = (sorted: readonly number[]) => sorted[sorted.length >> 1]!
const numbers = (arrivals: readonly Arrival[]) => arrivals.map((one) => one.number)
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

suite('a link between two places', { skip: lineMissing() ?? false }, () => {
  let line: Line
  before(async () => {
    line = await startLine()
  })
  after(() => line?.close())

  const stats = async (from: 'a' | 'b' = 'a') => {
    const found = (await line.shaper.stats()).find((one) => one.from === from)
    return found!
  }

  /** Looks at half of the packets, because a busy machine may delay any single one. */
  const assertDelay = (arrivals: readonly Arrival[], delayMs: number) => {
    const sorted = delays(arrivals)
    assert.ok(sorted[0]! >= delayMs - clockMs, `${sorted[0]} ms is less than ${delayMs} ms`)
    assert.ok(
      median(sorted) < delayMs + 1,
      `the median of ${median(sorted)} ms is more than ${delayMs + 1} ms`,
    )
  }

  for (const delayMs of [0, 1, 32.5, 200])
    test(`${delayMs} ms: no packet takes less, and half of them at most 1 ms more`, async () => {
      await line.set({ delayMs })
      const arrivals = await line.probe({ count: 300, everyUs: 2_000 })
      assert.deepEqual(numbers(arrivals), upTo(300))
      assertDelay(arrivals, delayMs)
    })

  test('each direction has its own delay', async () => {
    await line.set({ delayMs: 5 }, 'a')
    await line.set({ delayMs: 40 }, 'b')
    const [there, back] = await Promise.all(
      (['a', 'b'] as const).map((from) => line.probe({ from, count: 200, everyUs: 2_000 })),
    )
    assertDelay(there!, 5)
    assertDelay(back!, 40)
  })

  test('packets stay in order while the delay changes', async () => {
    await line.set({ delayMs: 120 })
    const probing = line.probe({ count: 4_000, everyUs: 250 })
    await until('packets to be in flight', async () => (await stats()).queued > 50)
    for (const delayMs of [10, 60, 0, 90, 1]) {
      await line.set({ delayMs }, 'a')
      const { packets } = await stats()
      await until('more to arrive', async () => (await stats()).packets > packets + 100)
    }
    assert.deepEqual(numbers(await probing), upTo(4_000))
  })

  test('a lower delay also applies to packets in flight', async () => {
    await line.set({ delayMs: 60_000 })
    const probing = line.probe({ count: 20, everyUs: 100, waitMs: 30_000 })
    await until('all to be in flight', async () => (await stats()).queued === 20)
    await line.set({ delayMs: 1 })
    assert.deepEqual(numbers(await probing), upTo(20))
  })

  test('jitter varies the delay within its bounds around the mean, and keeps packets in order', async () => {
    await line.shaper.seed(7)
    await line.set({ delayMs: 20, jitterMs: 8 })
    const arrivals = await line.probe({ count: 3_000, everyUs: 500 })
    assert.deepEqual(numbers(arrivals), upTo(3_000))
    const sorted = delays(arrivals)
    assert.ok(sorted[0]! >= 12 - clockMs, `${sorted[0]}`)
    // The 99th of 100, not the last: see above.
    assert.ok(sorted[Math.floor(sorted.length * 0.99)]! < 29, `${sorted.at(-1)}`)
    assert.ok(sorted[sorted.length - 1]! - sorted[0]! > 6, 'it hardly varies')
    assert.ok(Math.abs(median(sorted) - 20) < 4, `the median is ${median(sorted)}`)
  })

  test('the loss rate is as requested, and determined by the seed', async () => {
    const [count, lossShare] = [20_000, 0.1]
    await line.set({ lossShare })
    const before = await stats()
    await line.shaper.seed(42)
    const first = await line.probe({ count, everyUs: 30, waitMs: 300 })
    await line.shaper.seed(42)
    const second = await line.probe({ count, everyUs: 30, waitMs: 300 })
    await line.shaper.seed(43)
    const other = await line.probe({ count, everyUs: 30, waitMs: 300 })
    const { lost } = await stats()
    // Five standard deviations of the binomial distribution: one seed in two million is outside.
    const bound = 5 * Math.sqrt(count * lossShare * (1 - lossShare))
    for (const arrivals of [first, other])
      assert.ok(Math.abs(count - arrivals.length - count * lossShare) < bound)
    assert.deepEqual(numbers(first), numbers(second))
    assert.notDeepEqual(numbers(first), numbers(other))
    assert.equal(lost - before.lost, 3 * count - first.length - second.length - other.length)
  })

  test('a rate limit sends packets one after another, each for its transmission time', async () => {
    // 1,000 bytes at 2 Mbit/s are 4 ms.
    await line.set({ delayMs: 3, rateBitsPerSecond: 2e6 })
    const arrivals = await line.probe({ count: 40, everyUs: 0, bytes: 1_000 })
    assert.deepEqual(numbers(arrivals), upTo(40))
    const since = arrivals.map((one) => one.arrivedMs - arrivals[0]!.sentMs)
    since.forEach((ms, i) => {
      assert.ok(ms >= 3 + 4 * (i + 1) - clockMs, `packet ${i} after ${ms} ms`)
    })
    assert.ok(median(since.map((ms, i) => ms - 3 - 4 * (i + 1)).sort((a, b) => a - b)) < 1)
  })

  test('a slow line queues as much as a router; the rest is dropped at the tail and counted', async () => {
    await line.set({ rateBitsPerSecond: 1e6 })
    const before = await stats()
    const arrivals = await line.probe({ count: 200, everyUs: 0, bytes: 1_000 })
    const { overflowed, packets } = await stats()
    assert.equal(overflowed - before.overflowed, 200 - arrivals.length)
    assert.equal(packets - before.packets, arrivals.length)
    // 48,000 bytes are queued; a few more have left the line while the last ones arrived.
    assert.ok(arrivals.length >= 48 && arrivals.length < 60, `${arrivals.length} arrived`)
    assert.deepEqual(numbers(arrivals).slice(0, 48), upTo(48))
  })

  test('a higher rate also applies to queued packets', async () => {
    await line.set({ rateBitsPerSecond: 1_000 })
    const probing = line.probe({ count: 30, everyUs: 0, bytes: 1_000, waitMs: 30_000 })
    await until('all to wait', async () => (await stats()).queued === 30)
    await line.set({ rateBitsPerSecond: 1e9 })
    assert.deepEqual(numbers(await probing), upTo(30))
  })

  test('the memory of a link is bounded, whatever its delay', async () => {
    await line.set({ delayMs: 60_000 })
    const before = await stats()
    await line.probe({ count: 14_000, everyUs: 20, bytes: 1_500, waitMs: 0 })
    await until('all to have come in', async () => {
      const { queued, overflowed } = await stats()
      const { missed } = await line.shaper.totals()
      return queued + overflowed - before.overflowed + missed >= 14_000
    })
    const { queued, overflowed } = await stats()
    const { heldBytes } = await line.shaper.totals()
    assert.ok(overflowed > before.overflowed && queued < 11_200, `${queued} are queued`)
    assert.ok(heldBytes <= 16 * 2 ** 20, `${heldBytes} bytes are held`)
    await line.set({ cut: true })
    assert.equal((await line.shaper.totals()).heldBytes, 0)
  })

  test('after a cut nothing arrives, not even packets in flight; after the repair everything does', async () => {
    await line.set({ delayMs: 200 })
    const before = await stats()
    const probing = line.probe({ count: 20, everyUs: 0, waitMs: 400 })
    await until('all to be in flight', async () => (await stats()).queued === 20)
    await line.set({ delayMs: 200, cut: true })
    assert.deepEqual(await probing, [])
    await line.set({ cut: true })
    assert.deepEqual(await line.probe({ count: 20, everyUs: 0, waitMs: 100 }), [])
    assert.equal((await stats()).cut - before.cut, 40)
    await line.set({ delayMs: 0 })
    assert.deepEqual(numbers(await line.probe({ count: 20, everyUs: 0 })), upTo(20))
  })

  test('a one-way cut leaves the other direction open', async () => {
    await line.set({ delayMs: 1 })
    await line.set({ cut: true }, 'a')
    const [there, back] = await Promise.all(
      (['a', 'b'] as const).map((from) => line.probe({ from, count: 20, everyUs: 0, waitMs: 200 })),
    )
    assert.deepEqual(there, [])
    assert.deepEqual(numbers(back!), upTo(20))
  })

  test('a change takes effect within 100 ms', async () => {
    const took: number[] = []
    for (let round = 0; round < 41; round += 1) {
      const startedMs = performance.now()
      await line.set({ cut: round % 2 === 0 })
      took.push(performance.now() - startedMs)
      const arrivals = await line.probe({ count: 1, everyUs: 0, waitMs: round % 2 === 0 ? 20 : 1_000 })
      assert.equal(arrivals.length, round % 2)
    }
    assert.ok(median(took.sort((a, b) => a - b)) < 100, `${took}`)
  })

  test('packets of unknown addresses or without a link are dropped and counted', async () => {
    await line.set({})
    const before = await line.shaper.totals()
    assert.deepEqual(await line.probe({ count: 30, everyUs: 0, waitMs: 100, source: '10.99.9.9' }), [])
    await line.shaper.places([{ place: 'island', prefix: '10.88.1.0/24' }])
    assert.deepEqual(await line.probe({ count: 30, everyUs: 0, waitMs: 100, source: '10.88.1.1' }), [])
    assert.equal((await line.shaper.totals()).unknown - before.unknown, 60)
  })

  test('thousands of cities do not slow it down', async () => {
    const cities = Array.from({ length: 5_000 }, (_, k) => ({
      place: `city:${k}`,
      prefix: `10.${128 + (k >> 8)}.${k & 255}.0/24`,
    }))
    await line.shaper.places(cities)
    const params = { delayMs: 7, jitterMs: 0, lossShare: 0, rateBitsPerSecond: 0, cut: false }
    const links = cities.flatMap(({ place }) => [
      { from: place, to: 'b', params },
      { from: 'b', to: place, params },
    ])
    await line.shaper.set(links)
    assert.equal((await line.shaper.stats()).length, 10_002)
    const listed = await line.shaper.params()
    assert.deepEqual(listed.find(({ from }) => from === 'city:4999')?.params, params)
    assertDelay(await line.probe({ count: 200, everyUs: 2_000, source: '10.147.135.7' }), 7)
  })
})
