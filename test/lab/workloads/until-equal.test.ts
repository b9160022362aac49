import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Source, View } from '../../../src/lab/history.ts'
import { viewsWhenEqual } from '../../../src/lab/workloads/until-equal.ts'

describe('the end of a run', () => {
  const view = (region: string, source: Source, values: string[]): View => ({
    region,
    source,
    lists: [['l', values]],
  })

  test('is read until all databases are equal', async () => {
    let looks = 0
    const { views, absent } = await viewsWhenEqual({
      primary: async () => view('east', 'primary', ['a']),
      replica: async (region) => {
        looks += 1
        if (looks < 3) throw new Error('starting up')
        return view(region, 'replica', looks < 5 ? [] : ['a'])
      },
      regions: ['west'],
      catchUpMs: 10_000,
    })
    assert.deepEqual([views.length, absent, looks], [2, [], 5])
  })

  test('reports differences and missing databases after the time limit', async () => {
    const { views, absent } = await viewsWhenEqual({
      primary: async () => view('east', 'primary', ['a']),
      replica: async (region) => {
        if (region === 'west') throw new Error('ECONNREFUSED')
        return view(region, 'replica', [])
      },
      regions: ['east', 'west'],
      catchUpMs: 10,
    })
    assert.equal(views.length, 2)
    assert.deepEqual(absent, [{ region: 'west', source: 'replica', why: 'ECONNREFUSED' }])
  })

  test('fails without a primary', async () => {
    const nobody = async () => {
      throw new Error('no primary')
    }
    const look = { primary: nobody, replica: nobody, regions: ['west'], catchUpMs: 10 }
    await assert.rejects(viewsWhenEqual(look), { code: 'workload_no_primary' })
  })
})
