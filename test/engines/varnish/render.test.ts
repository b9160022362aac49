import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { varnishWorkFolder } from '../../../src/engines/varnish/layout.ts'
import { renderVarnish } from '../../../src/engines/varnish/render.ts'
import { assertGolden } from '../../support/golden.ts'
import { sandboxRunner } from '../../support/knot.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'
import { contextFor, threeRegions, topologyOf, twoRegions, withEdge } from '../../support/topologies.ts'

const cases = [
  ['two-regions', 'us-east', topologyOf(twoRegions)],
  ['three-regions', 'us-west', topologyOf(threeRegions, { app: { timeoutSeconds: 5 } })],
  ['with-edge', 'sa-east', topologyOf(withEdge, { cdn: { maxMemory: '1gb' } })],
] as const

describe('rendering', () => {
  for (const [name, region, topology] of cases)
    test(`${name}, ${region}: the VCL matches the golden file, and Varnish compiles it`, async () => {
      const { files } = renderVarnish(contextFor(topology, region))
      assertGolden(`varnish/${name}/${region}`, files)
      const folder = temporaryFolder('varnish-check')
      mkdirSync(join(folder, 'run/varnish'), { recursive: true })
      for (const { path, content } of files) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), content)
      }
      const { code, output } = await sandboxRunner(folder)([
        ...['/usr/sbin/varnishd', '-C', '-j', 'none', '-n', varnishWorkFolder],
        ...['-f', join(folder, files[0]!.path)],
      ])
      assert.equal(code, 0, output.slice(0, 2_000))
    })

  test('a witness runs no Varnish', () => {
    const part = renderVarnish(contextFor(cases[0][2], 'us-central'))
    assert.deepEqual(part, { folders: [], files: [], processes: [] })
  })
})
