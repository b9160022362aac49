import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { LabWorld } from '../../support/lab/world.ts'
import { failuresBeside, failuresSinceResumed } from '../../support/world/history.ts'
import { tell } from '../../support/world/tell.ts'

type Cut = (primary: string, others: string[], survivor: string) => Promise<void>

/** The lines of a wide-area network, cut in every way that databases lose writes by, with users at both sides. */
export function cuts(lab: () => LabWorld): void {
  /** Cuts, waits until that much time has passed with writes at both sides, heals, and checks. */
  async function part(t: TestContext, forMs: number, cut: Cut) {
    const { world } = lab()
    const primary = await world.find('primary')
    const survivor = await world.find('replica')
    const others = world.regions.filter((region) => region !== primary)
    const load = world.load([primary, survivor], { writesPerSecond: 15, readsPerSecond: 5 })
    await world.until('writes at both sides', () =>
      [primary, survivor].every((edge) => load.acknowledgedWrites(edge) > 10),
    )
    const fromMs = performance.now()
    await cut(primary, others, survivor)
    const fault = { fromMs, toMs: performance.now() }
    await world.until('the time to pass', () => performance.now() > fromMs + forMs, forMs + 10_000)
    const middleMs = performance.now()
    await lab().heal()
    await world.settled()
    t.diagnostic(`in step ${Math.round(performance.now() - middleMs)} ms after healing`)
    const settledMs = performance.now()
    await world.until('writes at both sides again', () =>
      [primary, survivor].every((edge) => load.acknowledgedSince(settledMs, edge) > 10),
    )
    const attempts = await load.stop()
    tell(t, attempts, fault)
    assert.deepEqual(await world.check(), [])
    const duringCut = attempts.filter((one) => one.startedMs > fault.toMs && one.endedMs < middleMs)
    return { primary, survivor, attempts, fault, duringCut }
  }

  suite('cuts', () => {
    test('the primary’s region from both others: it acknowledges nothing more, the other takes over, and it rejoins', async (t) => {
      const { primary, survivor, attempts, fault, duringCut } = await part(
        t,
        10_000,
        async (primary, others) => {
          await lab().cut(primary, others)
          for (const other of others) await lab().cut(other, [primary])
        },
      )
      assert.equal(await lab().world.find('primary'), survivor)
      const written = duringCut.filter((one) => one.kind === 'write' && one.outcome === 'acknowledged')
      assert.deepEqual(
        written.filter((one) => one.edge === primary),
        [],
      )
      assert.ok(written.some((one) => one.edge === survivor))
      const elsewhere = attempts.filter((one) => one.edge === survivor)
      assert.deepEqual(
        failuresBeside(elsewhere, fault).filter((one) => one.kind === 'read'),
        [],
      )
      assert.deepEqual(failuresSinceResumed(elsewhere, fault), [])
    })

    test('east from west while both see the witness: nobody takes over, and the primary goes on', async (t) => {
      const { primary, duringCut } = await part(t, 10_000, async (primary, _, survivor) => {
        await lab().cut(primary, [survivor])
        await lab().cut(survivor, [primary])
      })
      assert.equal(await lab().world.find('primary'), primary)
      const written = duringCut.filter((one) => one.kind === 'write' && one.outcome === 'acknowledged')
      assert.ok(written.some((one) => one.edge === primary))
    })

    test('outwards only: what the primary’s region says does not arrive', async (t) => {
      const { survivor } = await part(t, 12_000, (primary, others) => lab().cut(primary, others))
      assert.equal(await lab().world.find('primary'), survivor)
    })
  })
}
