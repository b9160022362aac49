import assert from 'node:assert/strict'
import { after, before, suite, type TestContext, test } from 'node:test'
import { ledger } from '../support/world/apps.ts'
import { failuresOutside, failuresSinceResumed } from '../support/world/history.ts'
import { type Networks, namespacesMissing, startNetworks } from '../support/world/netns.ts'
import { tell } from '../support/world/tell.ts'
import { startWorld, type TestWorld } from '../support/world.ts'

const regions = ['us-east', 'us-west', 'us-central']
const missing = namespacesMissing()

/**
 * The classic fault that loses acknowledged writes: the primary's region is cut off, still believes that it is the
 * primary, and learns otherwise when the network heals. Users write on both sides throughout.
 */
suite('the primary’s region cut off from both others', { skip: missing ?? false }, () => {
  let world: TestWorld
  let network: Networks
  before(async () => {
    network = await startNetworks(regions)
    world = await startWorld({ app: ledger, place: network })
    await world.settled()
  })
  after(async () => {
    await world?.close()
    network?.remove()
  })

  /** Cuts, waits this long with writes on the other side, heals, and checks. */
  async function part(t: TestContext, forMs: number, cut: (primary: string, others: string[]) => void) {
    const primary = await world.find('primary')
    const survivor = await world.find('replica')
    const others = regions.filter((region) => region !== primary)
    const load = world.load([primary, survivor], { writesPerSecond: 20, readsPerSecond: 10 })
    await world.until('writes on both sides', () =>
      [primary, survivor].every((edge) => load.acknowledgedWrites(edge) > 20),
    )

    const fromMs = performance.now()
    cut(primary, others)
    const fault = { fromMs, toMs: performance.now() }
    await world.until('the time to pass', () => performance.now() > fromMs + forMs, forMs + 10_000)
    network.heal()
    const healedMs = performance.now()
    await world.settled()
    t.diagnostic(`in sync ${Math.round(performance.now() - healedMs)} ms after healing`)
    const settledMs = performance.now()
    await world.until('writes on both sides again', () =>
      [primary, survivor].every((edge) => load.acknowledgedSince(settledMs, edge) > 20),
    )
    const attempts = await load.stop()
    tell(t, attempts, fault)
    assert.deepEqual(await world.check(), [])
    // At the other edge, reads continue without an error, and writes do once the new primary is up.
    const elsewhere = attempts.filter((one) => one.edge === survivor)
    assert.deepEqual(
      failuresOutside(elsewhere, fault).filter((one) => one.kind === 'read'),
      [],
    )
    assert.deepEqual(failuresSinceResumed(elsewhere, fault), [])
    return { survivor }
  }

  const bothWays = (primary: string, others: string[]) => {
    network.cut(primary, others)
    for (const other of others) network.cut(other, [primary])
  }

  test('for 6 s, about as long as an election takes: one region is the primary afterwards', async (t) => {
    await part(t, 6_000, bothWays)
  })

  test('for 24 s, longer than ttl', async (t) => {
    const { survivor } = await part(t, 24_000, bothWays)
    assert.equal(await world.find('primary'), survivor)
  })

  test('outbound only: its packets do not arrive', async (t) => {
    await part(t, 12_000, (primary, others) => network.cut(primary, others))
  })

  test('inbound only: it receives nothing', async (t) => {
    await part(t, 12_000, (primary, others) => {
      for (const other of others) network.cut(other, [primary])
    })
  })
})

/** The same fault without the promise, to show that these tests would find a loss. */
suite('the same, with durability “local”', { skip: missing ?? false }, () => {
  let world: TestWorld
  let network: Networks
  before(async () => {
    network = await startNetworks(regions)
    world = await startWorld({
      app: ledger,
      place: network,
      topology: { database: { durability: 'local' } },
    })
    await world.settled()
  })
  after(async () => {
    await world?.close()
    network?.remove()
  })

  test('loses acknowledged writes, and has two primaries that acknowledge', async (t) => {
    const primary = await world.find('primary')
    const survivor = await world.find('replica')
    const load = world.load([primary, survivor], { writesPerSecond: 20, readsPerSecond: 10 })
    await world.until('writes to flow', () => load.acknowledgedWrites(survivor) > 20)
    const fromMs = performance.now()
    for (const other of regions.filter((region) => region !== primary)) {
      network.cut(primary, [other])
      network.cut(other, [primary])
    }
    await world.until('writes on the other side', () => load.acknowledgedSince(fromMs, survivor) > 20)
    const twoMs = performance.now()
    await world.until('writes sent to both sides since then', () =>
      [primary, survivor].every((edge) => load.acknowledgedSince(twoMs, edge) > 20),
    )
    await load.stop()
    network.heal()
    await world.settled()
    tell(t, load.attempts, { fromMs, toMs: fromMs })
    // The app's commit times use the same clock, or the comparison would prove nothing.
    const placed = load.attempts.filter((one) => one.place)
    assert.ok(placed.every((one) => one.startedMs < one.commitSentMs! && one.commitSentMs! < one.endedMs))
    const broken = new Set((await world.violations()).map(({ guarantee }) => guarantee))
    assert.ok(broken.has('no-lost-writes'))
    assert.ok(broken.has('one-primary'))
  })
})
