import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stopLines } from '../../src/cli/stop-view.ts'

const plain = (_: unknown, text: string) => text

test('stopping shows the duration of each stage and the current one', () => {
  const lines = stopLines(
    'shop',
    [
      { step: 'users', at: 0 },
      { step: 'replica', at: 1500 },
    ],
    4000,
    plain,
  )
  assert.deepEqual(
    lines.map((line) => line.replace(/ +/g, ' ')),
    ['Stopping shop', ' ✓ user traffic: edges, caches, DNS and app 1.5 s', ' ● standby databases 2.5 s'],
  )
})
