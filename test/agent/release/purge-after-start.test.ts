import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import type { Purge, PurgeRequest } from '../../../src/agent/coordination/keys/purges.ts'
import { PurgeAfterStart } from '../../../src/agent/release/purge-after-start.ts'
import type { ProcessStatus } from '../../../src/agent/supervision/supervised-process.ts'
import type { Logger } from '../../../src/lib/log.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'
import { contextFor, topologyOf, twoRegions } from '../../support/topologies.ts'

const log = { warn: () => undefined } as unknown as Logger

describe('an agent', () => {
  /** Real processes: they are compared by their start, not only by their id. */
  const children = Array.from({ length: 3 }, () => spawn('sleep', ['1000']))
  const [first, second, third] = children.map(({ pid }) => pid!) as [number, number, number]
  after(() => {
    for (const child of children) child.kill('SIGKILL')
  })

  let folder: string
  let added: PurgeRequest[]
  let events: Record<string, unknown>[]
  let refuses = false
  beforeEach(() => {
    folder = temporaryFolder('purge-after-start')
    mkdirSync(join(folder, 'run'))
    added = []
    events = []
    refuses = false
  })

  const agent = (region = 'us-east', cdn: { pages?: boolean; pagesMaxSeconds?: number } = {}) =>
    new PurgeAfterStart({
      context: contextFor(topologyOf(twoRegions, { cdn }), region, folder),
      log,
      store: {
        purges: {
          async add(request): Promise<Purge> {
            if (refuses) throw new Error('etcd does not answer')
            added.push(request)
            return { number: added.length, id: 'x', ...request }
          },
        },
        record: async (kind, detail) => void events.push({ kind, ...detail }),
      },
    })
  const process = (name: string, state: ProcessStatus['state'], pid?: number): ProcessStatus => ({
    ...{ name, engine: name.startsWith('app') ? 'app' : 'varnish', state, restarts: 0 },
    ...(pid === undefined ? {} : { pid }),
  })
  const app = (number: number, pid: number) => process(`app-${number}`, 'ready', pid)
  const varnish = process('varnish', 'ready', 1)
  const pages = { scope: { kind: 'pages' } }

  test('purges the pages of all regions when instances have started, once for each', async () => {
    const one = agent()
    for (let cycle = 0; cycle < 3; cycle++) await one.follow([app(0, first), app(1, second), varnish])
    assert.deepEqual(added, [pages])
    assert.deepEqual(events, [
      { kind: 'purge', number: 1, ...pages, why: 'app-0 and app-1 of us-east started' },
    ])
    // A roll-out: the last purge comes after the last new instance is ready.
    await one.follow([process('app-0', 'starting', third), app(1, second), varnish])
    assert.equal(added.length, 1)
    await one.follow([app(0, third), process('app-1', 'stopping', second), varnish])
    await one.follow([app(0, third), process('app-1', 'starting', first), varnish])
    assert.equal(added.length, 2)
    await one.follow([app(0, third), app(1, first), varnish])
    assert.equal(added.length, 3)
    assert.equal(events[2]!.why, 'app-1 of us-east started')
  })

  test('that is restarted purges for what started meanwhile, and not for what it adopts', async () => {
    await agent().follow([app(0, first), app(1, second)])
    const next = agent()
    await next.follow([app(0, first), app(1, second)])
    assert.equal(added.length, 1)
    await agent().follow([app(0, third), app(1, second)])
    assert.equal(added.length, 2)
  })

  test('retries until etcd has taken the purge', async () => {
    const one = agent()
    refuses = true
    for (let cycle = 0; cycle < 2; cycle++) await one.follow([app(0, first)])
    refuses = false
    await one.follow([app(0, first)])
    await one.follow([app(0, first)])
    assert.deepEqual(added, [pages])
  })

  test('purges its own region when the limit for pages was lowered, after Varnish has it', async () => {
    await agent('us-west').follow([varnish])
    const lower = agent('us-west', { pagesMaxSeconds: 5 })
    await lower.follow([process('varnish', 'starting', 1)])
    assert.deepEqual(added, [])
    for (let cycle = 0; cycle < 2; cycle++) await lower.follow([varnish])
    assert.deepEqual(added, [{ ...pages, regions: ['us-west'] }])
    await agent('us-west', { pagesMaxSeconds: 50 }).follow([varnish])
    assert.equal(added.length, 1)
  })

  test('purges while cdn.pages is off too: what is stored is served when it is on again', async () => {
    await agent('us-east', { pages: false }).follow([app(0, first), varnish])
    assert.deepEqual(added, [pages])
  })
})
