import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { settingsPatch } from '../../../src/engines/postgres/control.ts'
import { dynamicConfig } from '../../../src/engines/postgres/render.ts'
import { topologyOf, twoRegions } from '../../support/topologies.ts'

describe('the settings that a running cluster is sent', () => {
  const wanted = dynamicConfig({ topology: topologyOf(twoRegions) })

  test('are none when it has them, whatever else Patroni or people keep there', () => {
    const is = { ...structuredClone(wanted), pause: true, nearside_woken: 'us-west lost 1' }
    assert.equal(settingsPatch(is, wanted), undefined)
  })

  test('are those that differ, however deep', () => {
    const strict = dynamicConfig({ topology: topologyOf(twoRegions, { database: { durability: 'strict' } }) })
    assert.deepEqual(settingsPatch(wanted, strict), { synchronous_mode_strict: true })
    const more = dynamicConfig({
      topology: topologyOf(twoRegions, { database: { parameters: { work_mem: '8MB' } } }),
    })
    assert.deepEqual(settingsPatch(wanted, more), { postgresql: { parameters: { work_mem: '8MB' } } })
  })

  test('take out a parameter that the topology names no more', () => {
    const more = dynamicConfig({
      topology: topologyOf(twoRegions, { database: { parameters: { work_mem: '8MB' } } }),
    })
    assert.deepEqual(settingsPatch(more, wanted), { postgresql: { parameters: { work_mem: null } } })
  })

  test('are all of them when there are none', () => {
    assert.deepEqual(settingsPatch({}, wanted), wanted)
  })
})
