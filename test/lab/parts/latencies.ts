import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { roundTripMs } from '../../support/lab/networks.ts'
import type { LabWorld } from '../../support/lab/world.ts'

const agent = 7400

export function latencies(lab: () => LabWorld): void {
  suite('latencies', () => {
    test('round trips between running regions are within 1 ms of the requested ones', async (t) => {
      const { world, place } = lab()
      for (const [i, from] of world.regions.entries()) {
        const to = world.regions[(i + 1) % world.regions.length]!
        const asked = lab().line(from, to).delayMs + lab().line(to, from).delayMs
        const target = { host: world.address(to), port: agent }
        const measured = await roundTripMs(place.inside(from), target, asked)
        t.diagnostic(`${from} to ${to}: asked ${asked.toFixed(2)} ms, measured ${measured.toFixed(2)} ms`)
        assert.ok(Math.abs(measured - asked) < 1, `${from} to ${to}: asked ${asked}, measured ${measured}`)
      }
    })

    test('a link whose round trip grows by 200 ms is slow, not down: no request fails on either side', async () => {
      const { world, shaper, base } = lab()
      const [primary, replica] = [await world.find('primary'), await world.find('replica')]
      const edges = [primary, replica]
      const load = world.load(edges, { writesPerSecond: 5, readsPerSecond: 5 })
      await world.until('writes on both sides', () =>
        edges.every((edge) => load.acknowledgedWrites(edge) > 5),
      )
      const slower = base.filter(({ from, to }) => edges.includes(from) && edges.includes(to))
      await shaper.set(
        slower.map((link) => ({ ...link, params: { ...link.params, delayMs: link.params.delayMs + 100 } })),
      )
      // By then, probes of the other side would have failed.
      const noticedMs = performance.now() + 4000
      await world.until('writes on both sides to continue', () =>
        edges.every((edge) => load.acknowledgedSince(noticedMs, edge) > 5),
      )
      await lab().heal()
      const attempts = await load.stop()
      assert.deepEqual(
        attempts.filter((one) => one.outcome !== 'ok'),
        [],
      )
    })
  })
}
