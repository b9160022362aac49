import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { damageOf } from '../../../../src/agent/coordination/keys/all.ts'
import { claimKind } from '../../../../src/agent/coordination/keys/claim.ts'
import { eventEntry, eventKind, eventsAmong } from '../../../../src/agent/coordination/keys/event.ts'
import { encodeHealth, healthKind } from '../../../../src/agent/coordination/keys/health.ts'
import { type KeyKind, nameIn, worldRoot } from '../../../../src/agent/coordination/keys/kind.ts'
import { isMove, readLeader, readSync } from '../../../../src/agent/coordination/keys/patroni.ts'
import { purgeHeadKind, purgeKind, purgeName } from '../../../../src/agent/coordination/keys/purges.ts'
import { encodeRelease, releaseKind } from '../../../../src/agent/coordination/keys/release.ts'
import { encodeReport, type Report, reportKind } from '../../../../src/agent/coordination/keys/report.ts'
import { servedKind } from '../../../../src/agent/coordination/keys/served.ts'
import { steeringTableKind } from '../../../../src/agent/coordination/keys/steering-table.ts'
import { printable } from '../../../../src/lib/printable.ts'

const root = worldRoot('shop')
const kvOf = (key: string, value: string) => ({
  key,
  value,
  createRevision: '1',
  modRevision: '2',
  lease: '0',
})
const parsed = <T>(kind: KeyKind<T>, value: string): T | undefined => {
  const read = kind.read(kvOf('', value))
  return 'value' in read ? read.value : undefined
}

const report: Report = {
  region: 'us-east',
  at: 1,
  version: '0.1.0',
  seen: { 'us-west': { edge: { ok: true, forMs: 10 }, patroni: { ok: false, forMs: 0 } } },
  database: {
    role: 'primary',
    timeline: 3,
    standbys: [{ region: 'us-west', synchronous: true, lagMs: 1, lagBytes: -8 }],
  },
  purges: { applied: 3, failing: { number: 4, why: 'no answer' } },
  tables: { wants: 'aa', holds: ['aa', 'bb'] },
}
const event = { at: 1_764_547_200_000, region: 'us-east', kind: 'primary', detail: { to: 'us-east' } }
const purge = { number: 7, id: 'x', scope: { kind: 'path', path: '/a*', host: 'shop.example.com' } }

/** A value that this version writes, for each kind of key. */
const written: Record<string, string> = {
  'agents/us-east': encodeReport(report),
  'health/us-east': encodeHealth({ state: 'unreachable', at: 5 }),
  'served/us-east': '0123456789ab',
  'steering/table': '0123456789abcdef',
  'claims/7587890': 'us-east',
  'releases/0123456789ab': encodeRelease({ kind: 'failed', why: 'exit 4', region: 'us-east', logFile: '/l' }),
  'purges/head': '{"number":7,"id":"x"}',
  [`purges/list/${purgeName(7)}`]: JSON.stringify(purge),
  [eventEntry('shop', event, 1).key.slice(root.length)]: JSON.stringify(event),
}
const names = Object.keys(written)

test('what this version writes is not damaged', () => {
  for (const [name, value] of Object.entries(written))
    assert.equal(damageOf(kvOf(root + name, value), root), undefined, name)
  assert.deepEqual(parsed(reportKind, written['agents/us-east']!), report)
  assert.deepEqual(parsed(healthKind, written['health/us-east']!), { state: 'unreachable', at: 5 })
  for (const state of [{ kind: 'ok' }, { kind: 'running', region: 'us-east' }] as const) {
    assert.deepEqual(parsed(releaseKind, encodeRelease(state)), state)
    assert.equal(encodeRelease({ ...state }), encodeRelease(state))
  }
})

test('anything else is damaged, whatever the kind of the key, and says who replaces it', () => {
  const values = [
    '',
    'null',
    '3',
    '[]',
    '"ok ok"',
    '{',
    '{"kind":"paused"}',
    '\u0000\ufffd\ufffd',
    '{}',
    '../../x',
  ]
  for (const name of names)
    for (const value of values) {
      const damage = damageOf(kvOf(root + name, value), root)
      // A run's id is any word.
      if (name.startsWith('served/') && /^\w+$/.test(value)) continue
      if (name.startsWith('claims/') && /^[a-z0-9]+$/.test(value)) continue
      if (name === 'steering/table' && value === '3') continue
      assert.ok(damage, `${name} ${value}`)
      assert.equal(damage.key, root + name)
    }
  const until = (name: string) => damageOf(kvOf(root + name, '['), root)?.until
  assert.equal(until('agents/us-east'), 'the agent of us-east writes it again')
  assert.equal(until('purges/head'), 'the next purge')
  assert.equal(until('releases/0123'), undefined)
})

test('no text stops a parser, and its reason can be printed on one line', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.constantFrom(...Object.values(written)),
    // One character of a good value is another one.
    fc
      .tuple(
        fc.constantFrom(...Object.values(written)),
        fc.nat(),
        fc.string({ unit: 'binary', maxLength: 2 }),
      )
      .map(
        ([value, at, other]) =>
          value.slice(0, at % value.length) + other + value.slice((at % value.length) + 1),
      ),
  )
  fc.assert(
    fc.property(fc.constantFrom(...names), text, (name, value) => {
      const damage = damageOf(kvOf(root + name, value), root)
      if (damage) assert.doesNotMatch(printable(damage.why), /\n/)
    }),
    { numRuns: 2000 },
  )
})

test('no text stops the parsers of Patroni’s keys', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (value) => {
      const kv = kvOf('/service/shop/leader', value)
      const led = readLeader(kv, ['us-east'])
      assert.ok('damaged' in led)
      readSync(kv)
      assert.equal(isMove(kv, 'us-east', 'us-west'), false)
    }),
    { numRuns: 1000 },
  )
})

test('a value changed in one field either parses to the form of the type or is damaged', () => {
  const strange = fc.oneof(
    fc.constant(null),
    fc.integer(),
    fc.string(),
    fc.constant([]),
    fc.constant({ a: 1 }),
  )
  fc.assert(
    fc.property(fc.constantFrom('region', 'at', 'version', 'seen'), strange, (field, value) => {
      const read = parsed(reportKind, JSON.stringify({ ...report, [field]: value }))
      if (read === undefined) return
      assert.equal(typeof read.region, 'string')
      assert.equal(typeof read.at, 'number')
      for (const view of Object.values(read.seen))
        for (const seen of Object.values(view)) assert.equal(typeof seen.forMs, 'number')
    }),
  )
})

describe('a value of another version', () => {
  test('keeps what this version knows of a report: further fields and probes are dropped', () => {
    const { seen } = report
    const newer = {
      ...report,
      disk: { freeBytes: 3 },
      seen: { ...seen, 'us-west': { ...seen['us-west'], dns: { ok: false, forMs: 9 } } },
    }
    assert.deepEqual(parsed(reportKind, JSON.stringify(newer)), report)
    const { purges, tables, database, ...older } = report
    assert.deepEqual(parsed(reportKind, JSON.stringify(older)), { ...older, database: undefined })
  })

  test('a part of a report that does not parse is left out and named, and its vote counts', () => {
    const read = reportKind.read(
      kvOf('', JSON.stringify({ ...report, database: { role: 'arbiter' }, tables: { holds: 3 } })),
    )
    assert.ok('value' in read)
    assert.deepEqual(read.value.seen, report.seen)
    assert.equal(read.value.database, undefined)
    assert.match(read.partly!, /^database\.role: .*; tables\.holds: /)
  })

  test('keeps all of an event, of whatever kind', () => {
    const newer = { ...event, kind: 'regionAdded', by: 'x', detail: { deep: { a: [1] } } }
    assert.deepEqual(parsed(eventKind, JSON.stringify(newer)), newer)
    assert.deepEqual(eventsAmong([event, newer, { at: 1 }, null, 'x']), [event, newer])
    assert.deepEqual(eventsAmong({ error: 1 }), [])
  })

  test('a key that this version does not know is no damage', () => {
    for (const name of ['disks/us-east', 'agents/us-east/more', 'agents/', 'purges/tail', 'health'])
      assert.equal(damageOf(kvOf(root + name, '['), root), undefined, name)
    assert.equal(nameIn(claimKind, root, `${root}claims/1`), '1')
    assert.equal(nameIn(claimKind, root, '/nearside/other/claims/1'), undefined)
  })
})

test('a value that would take long to parse or to print is damaged', () => {
  const why = (value: string) => damageOf(kvOf(`${root}events/1`, value), root)?.why
  assert.equal(why(JSON.stringify({ ...event, detail: { a: 'x'.repeat(2 ** 21) } })), 'longer than 256 kB')
  const deep = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`
  assert.equal(why(`{"at":1,"region":"x","kind":"x","detail":${deep}}`), 'nested more than 32 levels deep')
  assert.match(why(JSON.stringify({ ...event, at: 1e300 }))!, /^at: /)
})

test('a purge that Varnish would refuse for ever is damaged', () => {
  const isDamaged = (scope: object) =>
    parsed(purgeKind, JSON.stringify({ number: 1, id: 'x', scope })) === undefined
  assert.equal(isDamaged({ kind: 'path', path: '/a b' }), true)
  assert.equal(isDamaged({ kind: 'path', path: '/a*b' }), true)
  assert.equal(isDamaged({ kind: 'path', path: '/a#b' }), true)
  assert.equal(isDamaged({ kind: 'path', path: '/a', host: 'x"y' }), true)
  assert.equal(isDamaged({ kind: 'tag', tag: 'x' }), true)
  assert.equal(isDamaged({ kind: 'path', path: '/a?b=c&d=%2a*' }), false)
  assert.equal(parsed(purgeHeadKind, '{"number":0,"id":"x"}'), undefined)
})

test('a revision that becomes a part of a path, and a run that is compared, are checked as text', () => {
  assert.equal(parsed(steeringTableKind, '../../etc/passwd'), undefined)
  assert.equal(parsed(servedKind, 'a b'), undefined)
})
