import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { knotPaths, renderKnot } from '../../../src/engines/knot/render.ts'
import { sandboxRunner, writePart } from '../../support/knot.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'
import { contextFor, threeRegions, topologyOf, twoRegions, withEdge } from '../../support/topologies.ts'

const golden = join(import.meta.dirname, '../../golden/knot')

/** Compares with the golden file, or writes it with UPDATE_GOLDEN=1. */
function matchesGolden(path: string, content: string): void {
  const file = join(golden, path)
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  assert.equal(content, readFileSync(file, 'utf8'), `${path} differs; UPDATE_GOLDEN=1 rewrites it`)
}

const cases = {
  'two-regions': { topology: topologyOf(twoRegions), region: 'us-west' },
  'three-regions': { topology: topologyOf(threeRegions), region: 'us-east' },
  'with-edge': {
    topology: topologyOf(withEdge, {
      domain: 'example.org',
      steering: { ttlSeconds: 60 },
      ports: { dns: 53 },
    }),
    region: 'sa-east',
  },
}

for (const [title, { topology, region }] of Object.entries(cases)) {
  test(`${title}: Knot’s files match the golden files, and Knot accepts them`, async () => {
    const part = renderKnot(contextFor(topology, region))
    for (const { path, content } of part.files) {
      if (path !== knotPaths.candidateConfig)
        matchesGolden(join(title, path.replace(/^etc\/knot\//, '')), content)
    }
    const folder = temporaryFolder('knot')
    try {
      writePart(part, folder)
      const run = sandboxRunner(folder)
      for (const [config, map] of [
        [knotPaths.config, knotPaths.map],
        [knotPaths.candidateConfig, knotPaths.candidateMap],
      ] as const) {
        copyFileSync(join(folder, knotPaths.initialMap), join(folder, map))
        assert.deepEqual(await run(['knotc', '-c', config, 'conf-check']), {
          code: 0,
          output: 'Configuration is valid\n',
        })
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

test('the candidate configuration differs from the real one only in the map', () => {
  const { files } = renderKnot(contextFor(topologyOf(twoRegions), 'us-east'))
  const content = (path: string) => files.find((file) => file.path === path)!.content
  assert.equal(
    content(knotPaths.candidateConfig).replace(knotPaths.candidateMap, knotPaths.map),
    content(knotPaths.config),
  )
})

test('a witness runs no Knot', () => {
  const part = renderKnot(contextFor(topologyOf(twoRegions), 'us-central'))
  assert.deepEqual(part, { folders: [], files: [], processes: [] })
})
