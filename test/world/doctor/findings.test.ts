import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Process } from '../../../src/lib/proc.ts'
import { evaluateClocks } from '../../../src/world/doctor/clocks.ts'
import { evaluateEtcd } from '../../../src/world/doctor/etcd.ts'
import { atLeast } from '../../../src/world/doctor/finding.ts'
import { evaluateLeftovers } from '../../../src/world/doctor/leftovers.ts'
import { limits } from '../../../src/world/doctor/machine.ts'
import { evaluatePorts } from '../../../src/world/doctor/ports.ts'
import { secrecyFindings } from '../../../src/world/doctor/secrecy.ts'
import { parseSegments, segmentFindings } from '../../../src/world/doctor/stale.ts'
import { evaluateState } from '../../../src/world/doctor/state.ts'
import type { Use } from '../../../src/world/ports.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'

const states = (findings: readonly { state: string }[]) => findings.map((one) => one.state)

test('versions are compared number by number', () => {
  for (const [found, minimum, enough] of [
    ['24.21.0', '22.18.0', true],
    ['22.9.0', '22.18.0', false],
    ['3.0.11-1+deb13u1', '3.0', true],
    ['3.4~rc1', '3.4', true],
    ['4', '4.0.0', true],
    ['', '1', false],
  ] as const)
    assert.equal(atLeast(found, minimum), enough, `${found} >= ${minimum}`)
})

test('clocks that agree within the measurement error are ok', () => {
  const at = (region: string, offsetMs: number, errorMs = 1) => ({ region, offsetMs, errorMs })
  assert.equal(evaluateClocks([]).state, 'ok')
  assert.equal(evaluateClocks([at('us-east', 3), at('us-west', -90)]).state, 'ok')
  assert.equal(evaluateClocks([at('us-west', 180, 100)]).state, 'ok')
  const apart = evaluateClocks([at('us-east', 3), at('us-west', -400)])
  assert.deepEqual(
    [apart.state, apart.message],
    ['warning', 'clocks differ from this machine: us-west 400 ms behind'],
  )
  assert.equal(evaluateClocks([at('us-west', 5000)]).state, 'problem')
})

test('damaged values in etcd are a problem, each with its reason, and a fix that names them', () => {
  assert.equal(evaluateState([], 40, async () => undefined).state, 'ok')
  const [release, event] = ['/nearside/shop/releases/1', '/nearside/shop/events/2']
  const damaged = [
    { key: release, why: 'not JSON' },
    { key: event, why: 'kind: expected string' },
  ]
  const { state, message, fix } = evaluateState(damaged, 40, async () => undefined)
  assert.equal(state, 'problem')
  assert.equal(
    message,
    `agents skip 2 damaged values in etcd: ${release} (not JSON) and ${event} (kind: expected string)`,
  )
  assert.equal(fix!.what, `remove ${release} and ${event} from etcd`)
})

test('a full etcd is a problem with a fix, a nearly full one a warning', () => {
  const free = async () => undefined
  const member = (region: string, dbBytes: number) => ({ region, dbBytes, alarms: [] })
  const evaluated = (...members: Parameters<typeof evaluateEtcd>[0]) => evaluateEtcd(members, free, 1000)
  assert.deepEqual(states([evaluated(), evaluated(member('us-east', 300), member('us-west', 700))]), [
    'ok',
    'ok',
  ])
  assert.equal(evaluated(member('us-west', 700)).message, 'largest database 700 B in us-west, quota 1000 B')
  assert.equal(evaluated(member('us-east', 300), member('us-west', 900)).state, 'warning')
  const full = evaluated(member('us-east', 300), { ...member('us-west', 1001), alarms: ['NOSPACE'] })
  assert.equal(full.state, 'problem')
  assert.match(full.message, /NOSPACE.*no primary can be elected/)
  assert.match(full.fix!.what, /defragment etcd in us-east and us-west.*keeps every key/)
})

test('a low limit of open files is a warning, and so is a missing line', () => {
  const line = (hard: string) =>
    `Limit  Soft  Hard  Units\nMax open files            1024                 ${hard}            files\n`
  assert.deepEqual(
    states([limits(line('20000')), limits(line('unlimited')), limits(line('4096')), limits('')]),
    ['ok', 'ok', 'warning', 'warning'],
  )
})

const process = (pid: number, name: string, command: string[] = []): Process => ({
  pid,
  startTicks: 1,
  parent: 1,
  session: pid,
  daemon: true,
  name,
  command,
  workingFolder: undefined,
  variable: () => undefined,
})

test('processes of a world whose folder is gone are a problem with a fix', () => {
  const regions = new Map([
    ['us-east', { agent: false, processes: [process(1, 'etcd'), process(2, 'haproxy')] }],
  ])
  const [finding, ...more] = evaluateLeftovers([
    { world: '/srv/shop/.nearside/shop', exists: false, regions },
  ])
  assert.equal(more.length, 0)
  assert.equal(finding!.state, 'problem')
  assert.match(
    finding!.message,
    /^2 processes of the world shop \(\/srv\/shop\) still run, but its folder is gone: etcd, haproxy$/,
  )
  assert.match(finding!.fix!.what, /SIGKILL/)
})

test('regions without an agent are a warning without a fix; a world with its agents is ok', () => {
  const agent = { agent: true, processes: [process(1, 'etcd')] }
  const alone = { agent: false, processes: [process(2, 'etcd')] }
  const world = '/srv/shop/.nearside/shop'
  const findings = evaluateLeftovers([
    {
      world,
      exists: true,
      regions: new Map([
        ['us-east', agent],
        ['us-west', alone],
      ]),
    },
  ])
  assert.deepEqual(states(findings), ['warning'])
  assert.match(findings[0]!.message, /^us-west of the world shop/)
  assert.equal(findings[0]!.fix, undefined)
  assert.deepEqual(
    states(evaluateLeftovers([{ world, exists: true, regions: new Map([['us-east', agent]]) }])),
    ['ok'],
  )
  assert.deepEqual(states(evaluateLeftovers([])), ['ok'])
})

test('a port in use by another process is a problem that names it; one in use by the same world is not', () => {
  const use = (origin?: { world: string; region: string }): Use => ({
    need: { region: 'us-east', address: '127.77.1.1', port: 6379, protocol: 'tcp', what: 'redis' },
    listener: { protocol: 'tcp', address: '0.0.0.0', port: 6379, uid: 0, inode: '1' },
    holder: {
      uid: 0,
      process: process(812, 'redis-server', ['/usr/bin/redis-server *:6379']),
      ...(origin ? { origin } : {}),
    },
  })
  const own = { world: '/w/.nearside/shop', region: 'us-east' }
  assert.deepEqual(states(evaluatePorts(33, [use(own)], own.world)), ['ok'])
  const [stranger] = evaluatePorts(33, [use()], own.world)
  assert.equal(
    stranger!.message,
    'us-east (127.77.1.1): 6379 (redis) in use by redis-server (process 812), which listens on all addresses',
  )
  const [other] = evaluatePorts(33, [use({ world: '/v/.nearside/blog', region: 'eu' })], own.world)
  assert.match(other!.message, /in use by eu of the world blog \(\/v\)/)
  const http = { ...use(), need: { ...use().need, port: 8080, what: 'haproxy' } }
  const all = evaluatePorts(33, [use(), http], own.world)
  assert.deepEqual(
    all.map(({ message }) => message),
    [
      'us-east (127.77.1.1): 6379 (redis), 8080 (haproxy) in use by redis-server (process 812), which listens on all addresses',
    ],
  )
})

test('finds segments of killed PostgreSQL servers among other shared memory', () => {
  const text = `       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid
   2245249      32769   600                    56   500   501      0     0     0     0
   2245250      32770   600                    56   600   601      9     0     0     0
   2245251      32771   600                    56   700   701      0     0     0     0
   2245252      32772   600                  4096   500   501      0     0     0     0
   2245253      32773   600                    56   500   501      0  1000     0  1000
`
  assert.equal(parseSegments(text).length, 5)
  const [finding] = segmentFindings(text, (pid) => pid === 700, 0)
  assert.match(finding!.message, /^1 shared memory segment of/)
  assert.equal(finding!.state, 'ok')
  assert.equal(segmentFindings('head\n', () => false, 0)[0]!.fix, undefined)
})

test('a secrets file that others can read is a problem, and --fix closes it', async () => {
  const folder = join(temporaryFolder('secrecy'), 'shop')
  mkdirSync(folder, { mode: 0o700 })
  const file = join(folder, 'secrets.json')
  writeFileSync(file, '{}', { mode: 0o600 })
  assert.deepEqual(states(await secrecyFindings(folder)), ['ok'])
  chmodSync(file, 0o640)
  const [finding] = await secrecyFindings(folder)
  assert.equal(finding!.state, 'problem')
  await finding!.fix!.run()
  assert.equal(statSync(file).mode & 0o777, 0o600)
})
