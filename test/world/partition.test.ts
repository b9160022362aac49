import assert from 'node:assert/strict'
import { after, before, suite, type TestContext, test } from 'node:test'
import { ledger } from '../support/world/apps.ts'
import { failuresBeside, failuresSinceResumed } from '../support/world/history.ts'
import { type Networks, namespacesMissing, startNetworks } from '../support/world/netns.ts'
import { tell } from '../support/world/tell.ts'
import { startWorld, type TestWorld } from '../support/world.ts'

const regions = ['us-east', 'us-west', 'us-central']
const missing = namespacesMissing()

/**
 * The fault that databases lose acknowledged writes by: the primary's region is cut off, goes on thinking that it is
 * the primary, and finds itself contradicted when the network heals. Users write at both sides all the time.
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

  /** Cuts, waits until that much time has passed with writes at the other side, heals, and checks. */
  async function part(t: TestContext, forMs: number, cut: (primary: string, others: string[]) => void) {
    const primary = await world.find('primary')
    const survivor = await world.find('replica')
    const others = regions.filter((region) => region !== primary)
    const load = world.load([primary, survivor], { writesPerSecond: 20, readsPerSecond: 10 })
    await world.until('writes at both sides', () =>
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
    await world.until('writes at both sides again', () =>
      [primary, survivor].every((edge) => load.acknowledgedSince(settledMs, edge) > 20),
    )
    const attempts = await load.stop()
    tell(t, attempts, fault)
    assert.deepEqual(await world.check(), [])
    // At the other edge reads go on as if nothing had happened, and writes once the new primary is there.
    const elsewhere = attempts.filter((one) => one.edge === survivor)
    assert.deepEqual(
      failuresBeside(elsewhere, fault).filter((one) => one.kind === 'read'),
      [],
    )
    assert.deepEqual(failuresSinceResumed(elsewhere, fault), [])
    return { survivor }
  }

  const bothWays = (primary: string, others: string[]) => {
    network.cut(primary, others)
    for (const other of others) network.cut(other, [primary])
  }

  test('for 6 s, about as long as it takes to find a new primary: whoever it is, there is one', async (t) => {
    await part(t, 6_000, bothWays)
  })

  test('for 40 s', async (t) => {
    const { survivor } = await part(t, 40_000, bothWays)
    assert.equal(await world.find('primary'), survivor)
  })

  test('outwards only: what it says does not arrive', async (t) => {
    await part(t, 12_000, (primary, others) => network.cut(primary, others))
  })

  test('inwards only: it hears nothing', async (t) => {
    await part(t, 12_000, (primary, others) => {
      for (const other of others) network.cut(other, [primary])
    })
  })
})

/** The same fault with the promise switched off: what these tests look for can be found. */
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
    await world.until('writes at the other side', () => load.acknowledgedSince(fromMs, survivor) > 20)
    const twoMs = performance.now()
    await world.until('writes sent to both sides since then', () =>
      [primary, survivor].every((edge) => load.acknowledgedSince(twoMs, edge) > 20),
    )
    await load.stop()
    network.heal()
    await world.settled()
    tell(t, load.attempts, { fromMs, toMs: fromMs })
    // What the app says of its COMMIT is by the same clock: else nothing could be concluded from it.
    const placed = load.attempts.filter((one) => one.place)
    assert.ok(placed.every((one) => one.startedMs < one.commitSentMs! && one.commitSentMs! < one.endedMs))
    const broken = new Set((await world.violations()).map(({ guarantee }) => guarantee))
    assert.ok(broken.has('acknowledged-stays'))
    assert.ok(broken.has('one-primary'))
  })
})
