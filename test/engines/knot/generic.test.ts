import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withGeneric } from '../../../src/engines/knot/generic.ts'
import { cover, type Net, netsOf, uniformCover } from '../../../src/geo/cover.ts'
import { contains, formatPrefix, longestPrefix } from '../../../src/geo/prefix.ts'

const written = (nets: Iterable<Net>) => [...nets].map((net) => `${formatPrefix(net)} ${net.value}`)

test('the net of the first address becomes a /0 and nets for everything else in it', () => {
  const nets = netsOf(
    cover(4, Uint8Array.of(22, 22, 21, 20, 19, 18, 17, ...seq(16)), new Uint32Array(23).fill(7)),
  )
  assert.deepEqual(written(withGeneric(nets)).slice(0, 4), [
    '0.0.0.0/0 7',
    '0.0.1.0/24 7',
    '0.0.2.0/23 7',
    '0.0.4.0/22 7',
  ])
  assert.deepEqual(written(withGeneric(nets)).slice(3), written(nets).slice(1))
})

/** Lengths of the nets after the first 17 bits, up to the whole space. */
function seq(from: number): number[] {
  return Array.from({ length: from }, (_, index) => from - index)
}

for (const family of [4, 6] as const) {
  test(`IPv${family}: a net with a scope still contains every address but those around the first`, () => {
    const nets = [...withGeneric(netsOf(uniformCover(family, 0)))]
    const scoped = nets.filter(({ length }) => length > 0)
    const longest = longestPrefix[family]
    const share = scoped.reduce((sum, { length }) => sum + 2 ** -length, 0)
    assert.equal(share, 1 - 2 ** -longest)
    assert.equal(nets.length, scoped.length + 1)
    for (const net of scoped) assert.ok(!contains(net, { family, high: 0, low: 0 }), formatPrefix(net))
    for (const [index, net] of scoped.entries()) {
      const inside = scoped.filter((other, at) => at !== index && contains(net, other))
      assert.deepEqual(inside, [], 'nets must not overlap')
    }
  })
}
