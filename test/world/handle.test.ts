import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Region } from '../../src/topology/regions.ts'
import { regionNamed } from '../../src/world/handle.ts'

test('an unknown region name gives an error with the known ones, whatever the name contains', () => {
  const world = { regions: [{ name: 'us-east' }, { name: 'us-west' }] as Region[] }
  assert.equal(regionNamed(world, 'us-east').name, 'us-east')
  assert.throws(() => regionNamed(world, 'us-eats'), {
    code: 'usage_region_unknown',
    message: 'region: expected us-east or us-west, got "us-eats"',
    remedy: 'did you mean us-east?',
  })
  for (const name of ['../../etc', '', '__proto__', '\u001b[2J', 'x'.repeat(100_000)])
    assert.throws(() => regionNamed(world, name), { code: 'usage_region_unknown' })
  assert.throws(
    () => regionNamed(world, '\u001b[2J'),
    (error: Error) => !error.message.includes('\u001b'),
  )
})
