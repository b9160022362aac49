import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startConditionsOf } from '../../src/agent/start-conditions.ts'
import { compileRegion } from '../../src/compile.ts'
import { contextFor, sampleSecrets, topologyOf, twoRegions } from '../support/topologies.ts'

/** What an app instance of the first region waits for. */
function waitsFor(app: { release?: string[] }): string | undefined {
  const topology = topologyOf(twoRegions, { app })
  const inputs = { secrets: sampleSecrets, folder: '/w', appFolder: '/app' }
  const conditions = startConditionsOf(
    { context: contextFor(topology, 'us-east') } as never,
    compileRegion(topology, 'us-east', inputs),
    { until: () => Promise.resolve() } as never,
  )
  return conditions['app-0']?.waitsFor
}

test('an app waits for app.release only if it has one, and otherwise for a primary', () => {
  assert.equal(waitsFor({ release: ['npm', 'run', 'migrate'] }), 'app.release in the primary’s region')
  assert.equal(waitsFor({}), 'a primary')
})
