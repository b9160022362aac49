import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createVarnishControl, type VarnishControl } from '../../../src/engines/varnish/control.ts'
import { parseCounters } from '../../../src/engines/varnish/parse.ts'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import { sandboxRunner } from '../../support/knot.ts'
import { twoRegions } from '../../support/topologies.ts'

describe('control of Varnish', () => {
  let world: EdgeWorld
  let control: VarnishControl
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east', varnish: true })
    const { folder } = world.at('us-east')
    control = createVarnishControl({ folder, run: sandboxRunner(folder) })
  })
  after(() => world?.stop())

  const isHit = async (path: string) =>
    String((await world.at('us-east').ask(path)).headers['cache-status']).includes('; hit')
  const paths = [
    '/assets/a.js',
    '/assets/a.js?v=1',
    '/assets/a+b(1).js',
    '/assets/deep/a.js',
    '/assets/"quoted".js',
  ]

  beforeEach(async () => {
    for (const app of world.at('us-east').apps)
      app.handle = (request, response) => {
        if (request.url === '/assets/a.js') response.setHeader('surrogate-key', 'product-1 scripts')
        if (request.url === '/assets/deep/a.js') response.setHeader('cache-tag', 'product-10,scripts')
        response.end()
      }
    await control.purge({ kind: 'all' })
    for (const path of paths) await world.at('us-east').ask(path)
    for (const path of paths) assert.ok(await isHit(path), path)
  })

  const gone = async () => {
    const list = []
    for (const path of paths) if (!(await isHit(path))) list.push(path)
    return list
  }

  test('purges everything, one path, a prefix, a tag, and nothing else', async () => {
    const cases: [Parameters<VarnishControl['purge']>[0], string[]][] = [
      [{ kind: 'all' }, paths],
      [{ kind: 'url', url: '/assets/a.js' }, ['/assets/a.js']],
      [{ kind: 'url', url: '/assets/"quoted".js' }, ['/assets/"quoted".js']],
      [{ kind: 'prefix', prefix: '/assets/a+b(' }, ['/assets/a+b(1).js']],
      [{ kind: 'prefix', prefix: '/assets/a.' }, ['/assets/a.js', '/assets/a.js?v=1']],
      [{ kind: 'prefix', prefix: '/assets/deep' }, ['/assets/deep/a.js']],
      [{ kind: 'tag', tag: 'product-1' }, ['/assets/a.js']],
      [{ kind: 'tag', tag: 'product-10' }, ['/assets/deep/a.js']],
      [{ kind: 'tag', tag: 'scripts' }, ['/assets/a.js', '/assets/deep/a.js']],
      [{ kind: 'tag', tag: '.*' }, []],
    ]
    for (const [what, expected] of cases) {
      await control.purge(what)
      assert.deepEqual(await gone(), expected, JSON.stringify(what))
    }
  })

  test('no request purges, from whomever', async () => {
    const edge = world.at('us-east')
    for (const method of ['PURGE', 'BAN', 'REFRESH']) await edge.ask('/assets/a.js', { method })
    const direct = await edge.ask('/assets/a.js', { method: 'PURGE', port: world.topology.ports.varnish })
    assert.equal(direct.status, 403)
    assert.equal((await edge.ask('/assets/a.js', { port: world.topology.ports.varnish })).status, 403)
    assert.equal((await edge.ask('/.nearside/alive', { port: world.topology.ports.varnish })).status, 200)
    assert.deepEqual(await gone(), [])
  })

  test('a purge cannot carry a command of its own', async () => {
    for (const url of ['/a\nban obj.status != 0', '/" && obj.status != 0', '/a"\t'])
      await assert.rejects(control.purge({ kind: 'url', url }), /no spaces or control characters/)
    await control.purge({ kind: 'url', url: '/"&&obj.status!=0' })
    await control.purge({ kind: 'tag', tag: 'x)|(.*' })
    assert.deepEqual(await gone(), [])
  })

  test('counts', async () => {
    const before = await control.counters()
    await world.at('us-east').ask('/assets/a.js')
    const counters = await control.counters()
    assert.ok(counters.hits > before.hits)
    assert.ok(counters.objects > 0)
    assert.ok(counters.bytesUsed > 0 && counters.bytesUsed + counters.bytesFree === 64 * 1024 ** 2)
    for (const [name, value] of Object.entries(counters)) assert.ok(Number.isFinite(value), name)
    assert.throws(() => parseCounters('{}'), TypeError)
  })

  test('takes new rules without losing the cache, and refuses broken ones', async () => {
    const file = join(world.at('us-east').folder, 'etc/varnish/cdn.vcl')
    const good = readFileSync(file, 'utf8')
    writeFileSync(file, good.replace('  unset resp.http.X-Varnish;', '  set resp.http.X-Rules = "new";'))
    assert.deepEqual(await control.load('second'), { ok: true })
    const reply = await world.at('us-east').ask('/assets/a.js')
    assert.equal(reply.headers['x-rules'], 'new')
    assert.match(String(reply.headers['cache-status']), /; hit/)
    writeFileSync(file, 'nonsense')
    const refused = await control.load('third')
    assert.equal(refused.ok, false)
    assert.match(refused.ok ? '' : refused.detail, /nonsense/)
    writeFileSync(file, good)
    assert.deepEqual(await control.load('fourth'), { ok: true })
    assert.equal((await world.at('us-east').ask('/assets/a.js')).headers['x-rules'], undefined)
  })
})
