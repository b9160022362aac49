import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { LabWorld } from '../../support/lab/world.ts'
import { failuresOutside, failuresSinceResumed } from '../../support/world/history.ts'
import { tell } from '../../support/world/tell.ts'

type Cut = (primary: string, others: string[], survivor: string) => Promise<void>

/** Number of writes that show that a side is working. */
const some = 10
/** By then, the cut has been noticed and later writes succeed in spite of it. */
const noticedMs = 4000

/** Cuts links in every way that makes databases lose writes, with users on both sides. */
export function cuts(lab: () => LabWorld): void {
  /**
   * Cuts with users on both sides, waits until one side's writes resume, heals, waits until the world is in sync, and
   * checks everything that was written.
   */
  async function part(t: TestContext, writable: 'primary' | 'survivor', cut: Cut) {
    const { world } = lab()
    const primary = await world.find('primary')
    const survivor = await world.find('replica')
    const others = world.regions.filter((region) => region !== primary)
    const load = world.load([primary, survivor], { writesPerSecond: 15, readsPerSecond: 5 })
    await world.until('writes on both sides', () =>
      [primary, survivor].every((edge) => load.acknowledgedWrites(edge) > some),
    )
    const fromMs = performance.now()
    await cut(primary, others, survivor)
    const fault = { fromMs, toMs: performance.now() }
    const there = writable === 'primary' ? primary : survivor
    await world.until(
      `writes at ${there} to resume`,
      () => load.acknowledgedSince(fromMs + noticedMs, there) > some,
    )
    const middleMs = performance.now()
    await lab().heal()
    await world.settled()
    t.diagnostic(`in sync ${Math.round(performance.now() - middleMs)} ms after healing`)
    const settledMs = performance.now()
    await world.until('writes on both sides again', () =>
      [primary, survivor].every((edge) => load.acknowledgedSince(settledMs, edge) > some),
    )
    const attempts = await load.stop()
    tell(t, attempts, fault)
    assert.deepEqual(await world.check(), [])
    const duringCut = attempts.filter((one) => one.startedMs > fault.toMs && one.endedMs < middleMs)
    return { primary, survivor, attempts, fault, duringCut }
  }

  suite('cuts', () => {
    test('the primary’s region from both others: it stops acknowledging, the other takes over, and it rejoins', async (t) => {
      const { primary, survivor, attempts, fault, duringCut } = await part(
        t,
        'survivor',
        async (primary, others) => {
          await lab().cut(primary, others)
          for (const other of others) await lab().cut(other, [primary])
        },
      )
      assert.equal(await lab().world.find('primary'), survivor)
      const written = duringCut.filter((one) => one.kind === 'write' && one.outcome === 'ok')
      assert.deepEqual(
        written.filter((one) => one.edge === primary),
        [],
      )
      const elsewhere = attempts.filter((one) => one.edge === survivor)
      assert.deepEqual(
        failuresOutside(elsewhere, fault).filter((one) => one.kind === 'read'),
        [],
      )
      assert.deepEqual(failuresSinceResumed(elsewhere, fault), [])
    })

    test('east from west while both see the witness: the primary stays, and DNS omits the region that cannot reach it', async (t) => {
      const { primary } = await part(t, 'primary', async (primary, _, survivor) => {
        await lab().cut(primary, [survivor])
        await lab().cut(survivor, [primary])
        await lab().world.until(`${survivor} to be unhealthy`, async () => {
          const status = await lab().world.status(primary)
          return status?.world?.health[survivor] === 'unhealthy' && status.world.health[primary] === 'healthy'
        })
      })
      assert.equal(await lab().world.find('primary'), primary)
    })

    test('outbound only: packets of the primary’s region do not arrive', async (t) => {
      const { survivor } = await part(t, 'survivor', (primary, others) => lab().cut(primary, others))
      assert.equal(await lab().world.find('primary'), survivor)
    })
  })
}
