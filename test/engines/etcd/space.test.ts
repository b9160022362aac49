import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { freeSpace, spaceState } from '../../../src/engines/etcd/space.ts'
import { evaluateEtcd } from '../../../src/world/doctor/etcd.ts'
import { startEtcd, type TestEtcd } from '../../support/etcd.ts'
import { until } from '../../support/sandboxed.ts'
import { sampleRegions, statusOf } from '../../world/status/sample.ts'

test('a member near its quota is reported before writes stop', () => {
  const quota = 1000
  assert.equal(spaceState([], quota), 'ok')
  assert.equal(spaceState([{ dbBytes: 100 }, {}], quota), 'ok')
  assert.equal(spaceState([{ dbBytes: 100 }, { dbBytes: 900 }], quota), 'nearly full')
  assert.equal(spaceState([{ dbBytes: 100, alarms: ['NOSPACE'] }], quota), 'full')
})

describe('an etcd that is full', () => {
  let cluster: TestEtcd
  before(async () => {
    cluster = await startEtcd(2, ['--quota-backend-bytes', String(1024 * 1024)])
  })
  after(() => cluster?.stop())

  test('refuses writes and raises an alarm; once its space is freed it accepts writes and has lost no key', async () => {
    const etcd = cluster.client()
    await etcd.enableAuth()
    const members = cluster.endpoints.map((endpoint) => cluster.client({ endpoints: [endpoint] }))
    assert.deepEqual((await members[1]!.status()).alarms, [])
    await etcd.put('/kept', 'by all means')
    const report = 'r'.repeat(10_000)
    await assert.rejects(
      async () => {
        for (let put = 0; put < 2000; put += 1) await etcd.put('/agents/us-east', report)
      },
      { code: 'etcd_refused', message: /database space exceeded/ },
    )
    // Every member reports the alarm, whichever of them is full: the databases of the others may have more free pages.
    const states = () => Promise.all(members.map((member) => member.status()))
    await until('all members to report the alarm', async () =>
      (await states()).every(({ alarms }) => alarms.includes('NOSPACE')),
    )
    const sizes = (await states()).map(({ dbBytes }) => dbBytes)
    const dbBytes = Math.max(...sizes)
    // etcd refuses a write that does not fit, about one report below the quota.
    assert.ok(dbBytes + 2 * report.length > 1024 * 1024, `${sizes}`)
    const fullest = members[sizes.indexOf(dbBytes)]!
    const { alarms } = await fullest.status()
    const [east, ...others] = sampleRegions()
    const status = statusOf([{ ...east!, etcd: { alarms, dbBytes, quotaBytes: 1024 * 1024 } }, ...others])
    assert.deepEqual(
      status.problems.map(({ code }) => code),
      ['etcd_full'],
    )
    const finding = evaluateEtcd([{ region: 'us-east', alarms, dbBytes }], () => freeSpace(members))
    assert.equal(finding.state, 'problem')
    await finding.fix!.run()
    await etcd.put('/after', 'goes through')
    const free = await fullest.status()
    assert.deepEqual(free.alarms, [])
    assert.ok(free.dbBytes < dbBytes / 2, `${free.dbBytes} of ${dbBytes}`)
    assert.equal((await etcd.get('/kept'))[0]?.value, 'by all means')
    // Freeing space again with nothing to free succeeds.
    await freeSpace(members)
  })
})

test('with a retention below an hour, etcd compacts once per retention period, so history does not pile up', async () => {
  const cluster = await startEtcd(1, [
    '--auto-compaction-mode',
    'periodic',
    '--auto-compaction-retention',
    '2s',
  ])
  try {
    const etcd = cluster.client()
    const { revision } = await etcd.status()
    await until('the first revision to be compacted', async () => {
      await etcd.put('/report', 'new')
      const old = await fetch(`${cluster.endpoints[0]}/v3/kv/range`, {
        method: 'POST',
        body: JSON.stringify({
          key: Buffer.from('/report').toString('base64'),
          revision: String(Number(revision) + 1),
        }),
      })
      return /has been compacted/.test(await old.text())
    })
  } finally {
    await cluster.stop()
  }
})
