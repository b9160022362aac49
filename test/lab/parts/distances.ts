import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { roundTripMs } from '../../support/lab/networks.ts'
import type { LabWorld } from '../../support/lab/world.ts'

const agent = 7400

export function distances(lab: () => LabWorld): void {
  suite('distances', () => {
    test('round trips between running regions are within 1 ms of what was asked', async (t) => {
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
  })
}
