import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Purge, PurgeState } from '../../../src/agent/coordination/keys/purges.ts'
import type { Snapshot } from '../../../src/agent/coordination/snapshot.ts'
import { purge, purgeRequest } from '../../../src/agent/traffic/purge-request.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const caching = ['us-east', 'us-west']

describe('a purge request', () => {
  test('names a scope, and may name regions', () => {
    const accepted: [Record<string, unknown>, object][] = [
      [{ scope: 'pages' }, { scope: { kind: 'pages' } }],
      [
        { scope: 'all', regions: ['us-west', 'us-west'] },
        { scope: { kind: 'all' }, regions: ['us-west'] },
      ],
      [{ scope: 'path', path: '/a*' }, { scope: { kind: 'path', path: '/a*' } }],
      [
        { scope: 'path', path: '/a"\\', host: 'b.example' },
        { scope: { kind: 'path', path: '/a"\\', host: 'b.example' } },
      ],
      [
        { scope: 'path', path: `/${'a'.repeat(8191)}` },
        { scope: { kind: 'path', path: `/${'a'.repeat(8191)}` } },
      ],
    ]
    for (const [body, request] of accepted) assert.deepEqual(purgeRequest(body, caching), request)
  })

  test('means the path that a browser sends', () => {
    for (const [path, sent] of [
      ['/a/../b', '/b'],
      ['/./a/%2e%2E/./b/?q=/../x', '/b/?q=/../x'],
      ['/../../b*', '/b*'],
      ['/a/b/..', '/a/'],
      ['/a/.', '/a/'],
      ['/..', '/'],
      ['/a//../b', '/a/b'],
      ['/...', '/...'],
      ['/.well-known/x', '/.well-known/x'],
    ] as const) {
      assert.deepEqual(purgeRequest({ scope: 'path', path }, caching).scope, { kind: 'path', path: sent })
      assert.equal(new URL(`http://a${path}`).pathname + new URL(`http://a${path}`).search, sent)
    }
  })

  test('that is wrong is refused with what was expected', () => {
    const refused: [Record<string, unknown>, RegExp][] = [
      [{}, /^scope: expected "pages", "all" or "path", got nothing/],
      [{ scope: 'everything' }, /^scope: .*got "everything"/],
      [{ scope: 'pages', path: '/a' }, /^path: expected nothing with the scope "pages"/],
      [{ scope: 'all', host: 'a' }, /^host: expected nothing/],
      [{ scope: 'path' }, /^path: expected a path that begins with \/, got nothing/],
      [{ scope: 'path', path: 'a' }, /^path: expected a path that begins with \/, got "a"/],
      [{ scope: 'path', path: '/a*b' }, /^path: expected \* only at the end/],
      [{ scope: 'path', path: '/a#b' }, /^path: .*without #/],
      [{ scope: 'path', path: '/a b' }, /^path: expected a path as a browser sends it/],
      [{ scope: 'path', path: '/a\nban obj.status != 0' }, /^path: expected a path as a browser sends it/],
      [{ scope: 'path', path: '/é' }, /^path: expected a path as a browser sends it/],
      [{ scope: 'path', path: `/${'a'.repeat(8192)}` }, /^path: expected at most 8192 characters/],
      [{ scope: 'path', path: ['/a'] }, /^path: expected a path that begins with \//],
      [{ scope: 'path', path: '/a', host: 'a"&&b' }, /^host: expected a host name/],
      [{ scope: 'path', path: '/a', host: 'a:80' }, /^host: expected a host name without a port/],
      [{ scope: 'pages', regions: [] }, /^regions: expected a list of regions/],
      [{ scope: 'pages', regions: 'us-east' }, /^regions: expected a list of regions, got "us-east"/],
      [{ scope: 'pages', regions: ['us-central'] }, /^regions: .*\(us-east and us-west\), got "us-central"/],
    ]
    for (const [body, message] of refused)
      assert.throws(() => purgeRequest(body, caching), { code: 'purge_invalid', message })
  })
})

describe('a purge waits for its outcome', () => {
  const asked = (states: Record<string, PurgeState | undefined>) => {
    const clock = new ManualClock()
    const reports = Object.fromEntries(
      Object.entries(states).map(([region, purges]) => [region, { region, ...(purges ? { purges } : {}) }]),
    )
    const coordination = { snapshot: { reports } as unknown as Snapshot, trigger: () => undefined }
    const events: unknown[] = []
    const store = {
      purges: { add: async (request: object) => ({ number: 7, id: 'x', ...request }) as Purge },
      record: async (kind: string, detail: object) => void events.push({ kind, ...detail }),
    } as unknown as Parameters<typeof purge>[1]['store']
    return {
      clock,
      events,
      reports,
      result: purge({ scope: { kind: 'all' } }, { store, coordination, caching, clock }),
    }
  }

  test('in every region', async () => {
    const { result, events } = asked({ 'us-east': { applied: 7 }, 'us-west': { applied: 8 } })
    const purged = { outcome: 'purged' }
    assert.deepEqual(await result, { number: 7, regions: { 'us-east': purged, 'us-west': purged } })
    assert.deepEqual(events, [{ kind: 'purge', number: 7, scope: { kind: 'all' } }])
  })

  test('and not for a region that does not report', async () => {
    const { result } = asked({ 'us-east': { applied: 7 } })
    assert.deepEqual((await result).regions['us-west'], { outcome: 'unreachable' })
  })

  test('but only for a while, and then with the reason', async () => {
    const failing = { number: 7, why: 'Varnish does not answer' }
    const { result, clock } = asked({ 'us-east': { applied: 6, failing }, 'us-west': { applied: 6 } })
    await clock.advance(11_000)
    assert.deepEqual((await result).regions, {
      'us-east': { outcome: 'failed', why: 'Varnish does not answer' },
      'us-west': { outcome: 'failed', why: 'its agent has not done it within 10 s' },
    })
  })
})
