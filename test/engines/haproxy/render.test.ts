import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { renderHaproxy } from '../../../src/engines/haproxy/render.ts'
import { checkMs, upCheckMs, viewOf } from '../../../src/engines/haproxy/view.ts'
import { assertGolden } from '../../support/golden.ts'
import { sandboxRunner } from '../../support/knot.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'
import { contextFor, threeRegions, topologyOf, twoRegions, withEdge } from '../../support/topologies.ts'

const topologies = {
  'two-regions': topologyOf(twoRegions),
  'three-regions': topologyOf(threeRegions),
  'with-edge': topologyOf(withEdge, {
    app: {
      instances: 3,
      static: ['/assets/*', '/favicon.ico'],
      writes: { also: ['GET /logout', 'GET /cart/*', 'HEAD /cart/*'], except: ['POST /search'] },
      maxBody: '50mb',
    },
    database: { holdSeconds: 0 },
  }),
}

/** One region of each kind per topology; the others differ only in addresses and order. */
const cases = [
  ['two-regions', 'us-east'],
  ['two-regions', 'us-west'],
  ['three-regions', 'us-west'],
  ['with-edge', 'eu-west'],
  ['with-edge', 'sa-east'],
] as const

describe('rendering', () => {
  for (const [name, region] of cases)
    test(`${name}, ${region}: the configuration matches the golden files, and HAProxy accepts it without a warning`, async () => {
      const { files } = renderHaproxy(contextFor(topologies[name], region))
      assertGolden(`haproxy/${name}/${region}`, files)
      const { code, output } = await check(files)
      assert.equal(code, 0, output)
      assert.doesNotMatch(output, /WARNING/)
    })

  test('a witness runs no HAProxy', () => {
    const part = renderHaproxy(contextFor(topologies['two-regions'], 'us-central'))
    assert.deepEqual(part, { folders: [], files: [], processes: [] })
  })

  test('every path that the schema accepts is taken literally', async () => {
    const paths = [
      '/a#b',
      '/a$b',
      '/a%20b',
      '/a{b}',
      '/a;b',
      '/a,b/*',
      '/ä',
      '/-m/*',
      '/a|b',
      '/`a`',
      '/(a)',
      '/$(x)/*',
    ]
    const topology = topologyOf(twoRegions, {
      app: {
        static: paths,
        health: '/health#$(x)',
        writes: { also: paths.map((path) => `GET ${path}`), except: paths.map((path) => `POST ${path}`) },
      },
    })
    const { code, output } = await check(renderHaproxy(contextFor(topology, 'us-east')).files)
    assert.equal(code, 0, output)
    assert.doesNotMatch(output, /WARNING/)
  })

  test('a world of one region works, and so does an app without safe methods', async () => {
    const topology = topologyOf(
      { only: { location: { lat: 0, lon: 0 } } },
      { app: { static: [], writes: { safeMethods: [] } } },
    )
    const { code, output } = await check(renderHaproxy(contextFor(topology, 'only')).files)
    assert.equal(code, 0, output)
  })

  test('the check interval grows with distance, since it is also the check’s connect timeout', () => {
    const view = viewOf(contextFor(topologyOf(withEdge), 'eu-west'))
    const { region, remotes } = view
    const near = checkMs(view, region, 250)
    assert.equal(near, 250)
    for (const remote of remotes) {
      const everyMs = checkMs(view, remote, 250)
      // Twice around the world is the upper bound.
      assert.ok(everyMs >= 250 && everyMs < 1_300)
    }
    const sydney = { ...region, location: { lat: -33.87, lon: 151.21 } }
    assert.ok(checkMs(view, sydney, 250) > 500)
  })

  test('a measured round trip counts instead of the estimate, so that a slow route is not down for ever', () => {
    const topology = topologyOf(twoRegions, { network: { rttMs: { 'us-west us-east': 600 } } })
    const view = viewOf(contextFor(topology, 'us-east'))
    const west = view.remotes[0]!
    assert.equal(west.name, 'us-west')
    assert.ok(upCheckMs(view, west) > 4 * 600 && checkMs(view, west, 250) > 2 * 600)
  })
})

/** Runs `haproxy -c` on the files in a separate folder. */
async function check(files: readonly { path: string; content: string }[]) {
  const folder = temporaryFolder('haproxy-check')
  mkdirSync(join(folder, 'run'))
  for (const { path, content } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return sandboxRunner(folder)(['/usr/sbin/haproxy', '-c', '-f', 'etc/haproxy/haproxy.cfg'])
}
