import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { settingsPatch } from '../../../src/engines/postgres/control.ts'
import { dynamicConfig } from '../../../src/engines/postgres/render.ts'
import { topologyOf, twoRegions } from '../../support/topologies.ts'

describe('the settings patch for a running cluster', () => {
  const wanted = dynamicConfig({ topology: topologyOf(twoRegions) })

  test('is empty when all settings match, whatever else is stored there', () => {
    const is = { ...structuredClone(wanted), pause: true, nearside_woken: 'us-west lost 1' }
    assert.equal(settingsPatch(is, wanted), undefined)
  })

  test('contains the settings that differ, at any depth', () => {
    const strict = dynamicConfig({ topology: topologyOf(twoRegions, { database: { durability: 'strict' } }) })
    assert.deepEqual(settingsPatch(wanted, strict), { synchronous_mode_strict: true })
    const more = dynamicConfig({
      topology: topologyOf(twoRegions, { database: { parameters: { work_mem: '8MB' } } }),
    })
    assert.deepEqual(settingsPatch(wanted, more), { postgresql: { parameters: { work_mem: '8MB' } } })
  })

  test('removes a parameter that is no longer in the topology', () => {
    const more = dynamicConfig({
      topology: topologyOf(twoRegions, { database: { parameters: { work_mem: '8MB' } } }),
    })
    assert.deepEqual(settingsPatch(more, wanted), { postgresql: { parameters: { work_mem: null } } })
  })

  test('contains all settings when there are none', () => {
    assert.deepEqual(settingsPatch({}, wanted), wanted)
  })
})
