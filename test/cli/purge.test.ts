import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { after, before, beforeEach, describe, test } from 'node:test'
import { purgeRequest } from '../../src/agent/traffic/purge-request.ts'
import { secretNames } from '../../src/topology/secrets.ts'
import { freeEndpoint, temporaryFolder } from '../support/sandboxed.ts'
import { topologyOf, twoRegions } from '../support/topologies.ts'
import { nearside } from './here.ts'

describe('nearside purge', () => {
  let folder: string
  let agent: Server
  /** Bodies that the agent has got. Each is one that a real agent accepts. */
  let bodies: Record<string, unknown>[] = []
  let regions: Record<string, unknown>
  before(async () => {
    const { host, port } = await freeEndpoint()
    const all = Object.entries(twoRegions).map(([name, region]) => [name, { ...region, address: host }])
    const topology = topologyOf(Object.fromEntries(all), { ports: { agent: port } })
    folder = temporaryFolder('purge')
    const worldFolder = join(folder, '.nearside', 'shop')
    mkdirSync(worldFolder, { recursive: true })
    const topologyFile = join(folder, 'nearside.yaml')
    writeFileSync(topologyFile, '')
    const record = { topology, topologyFile, revision: 'r', appFolder: folder, run: 'r' }
    writeFileSync(join(worldFolder, 'world.json'), JSON.stringify(record))
    const secrets = Object.fromEntries(secretNames.map((name) => [name, 'sixteen characters']))
    writeFileSync(join(worldFolder, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 })
    agent = createServer(async (request, response) => {
      if (request.url !== '/v1/purge')
        return response.end(JSON.stringify({ region: 'us-east', etcd: {}, agent: {} }))
      const body = (await json(request)) as Record<string, unknown>
      try {
        purgeRequest(body, ['us-east', 'us-west'])
        bodies.push(body)
        response.end(JSON.stringify({ number: 7, regions }))
      } catch (error) {
        const { code, message, remedy } = error as Error & { code: string; remedy?: string }
        response.statusCode = 400
        response.end(JSON.stringify({ error: { code, message, remedy } }))
      }
    })
    await new Promise<void>((resolve) => agent.listen(port, host, resolve))
  })
  after(() => {
    agent.closeAllConnections()
    agent.close()
  })
  const purged = { outcome: 'purged' }
  beforeEach(() => {
    bodies = []
    regions = { 'us-east': purged, 'us-west': purged }
  })
  const purge = (...args: string[]) => nearside(folder, ['purge', ...args])

  test('asks for what the words say', async () => {
    const asked: [string[], object][] = [
      [[], { scope: 'pages' }],
      [['--pages'], { scope: 'pages' }],
      [['--all', '--region', 'us-west', '-r', 'us-east'], { scope: 'all', regions: ['us-west', 'us-east'] }],
      [['/a/*'], { scope: 'path', path: '/a/*' }],
      [['/a', '--host', 'b.example'], { scope: 'path', path: '/a', host: 'b.example' }],
      [['/café au lait'], { scope: 'path', path: '/caf%C3%A9%20au%20lait' }],
      [['/"$(id)`\\'], { scope: 'path', path: '/"$(id)`\\' }],
    ]
    for (const [args, body] of asked) {
      const { code, stdout, stderr } = await purge(...args)
      assert.equal(code, 0, stderr)
      assert.equal(stdout, 'us-east: purged\nus-west: purged\n')
      assert.deepEqual(bodies.splice(0), [body])
    }
  })

  test('prints the outcome of each region, and fails unless all have purged', async () => {
    regions = {
      'us-east': { outcome: 'failed', why: 'Varnish is hung' },
      'us-west': { outcome: 'unreachable' },
    }
    const { code, stdout } = await purge()
    assert.equal(code, 1)
    assert.equal(
      stdout,
      'us-east: failed: Varnish is hung; its agent keeps trying\nus-west: unreachable; it will purge when it is back\n',
    )
    const machine = await purge('--json')
    assert.equal(machine.code, 1)
    assert.deepEqual(JSON.parse(machine.stdout), { number: 7, regions })
  })

  test('refuses what it cannot mean, with a remedy', async () => {
    const refused: [string[], number, RegExp][] = [
      [['--all', '--pages'], 2, /expected one of a path, --pages and --all, got --pages and --all/],
      [['/a', '--all'], 2, /got a path and --all/],
      [['--host', 'a'], 2, /--host: expected a path with it\n.*"\/\*" --host NAME/],
      [['products'], 2, /begins with \/, got "products"\n.*write "\/products"/],
      [['https://shop.example.com/a?b'], 2, /write the path alone: "\/a"; --host limits it/],
      [['/a/*/b'], 2, /expected \* only at the end.*\n.*%2A/],
      [['--region', 'us-wets'], 2, /us-wets.*\n.*did you mean us-west/],
      [['--region', 'us-central'], 2, /region: expected us-east or us-west, got "us-central"/],
    ]
    for (const [args, expected, message] of refused) {
      const { code, stderr } = await purge(...args)
      assert.match(stderr, message)
      assert.equal(code, expected, stderr)
    }
    assert.deepEqual(bodies, [])
  })
})
