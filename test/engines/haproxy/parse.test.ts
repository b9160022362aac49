import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  parseOldWorkers,
  parseSessions,
  parseStats,
  parseTable,
  parseWorkerPid,
} from '../../../src/engines/haproxy/parse.ts'

const names =
  'pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,econ,wretr,wredis,status,lastchg,type,req_rate,req_tot,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,check_status,check_code,check_duration,last_chk'
const csv = (...lines: string[]) => `# ${names},\n${lines.join('\n')}\n\n`

test('fields are found by name, and empty ones are undefined', () => {
  const [frontend, server, backend] = parseStats(
    csv(
      'users,FRONTEND,,,3,9,25000,120,1000,2000,,,,OPEN,,0,7,118,0,100,5,10,3,0,,,,,',
      'primary,us-east,1,2,4,5,,60,10,20,2,1,0,UP 1/2,33,2,,,,,,,,,L7OK,200,4,"OK, ""fine""",',
      'primary,BACKEND,0,0,0,0,2500,60,10,20,2,1,0,UP,33,1,,,,,,,,,,,,,',
    ),
  )
  assert.deepEqual(
    [
      frontend?.kind,
      frontend?.name,
      frontend?.up,
      frontend?.requests,
      frontend?.requestRate,
      frontend?.current,
    ],
    ['frontend', 'users', true, 118, 7, 3],
  )
  assert.deepEqual(frontend?.responses, { '1xx': 0, '2xx': 100, '3xx': 5, '4xx': 10, '5xx': 3, other: 0 })
  assert.equal(frontend?.check, undefined)
  assert.deepEqual(
    [server?.kind, server?.proxy, server?.name, server?.status, server?.up, server?.queued, server?.requests],
    ['server', 'primary', 'us-east', 'UP 1/2', true, 1, undefined],
  )
  assert.deepEqual(server?.check, { status: 'L7OK', code: 200, durationMs: 4 })
  assert.deepEqual(
    [server?.connectionErrors, server?.retries, server?.redispatches, server?.sinceSeconds],
    [2, 1, 0, 33],
  )
  assert.deepEqual([backend?.kind, backend?.name], ['backend', 'primary'])
})

test('a server’s status determines whether it is up', () => {
  const up = (status: string) => parseStats(csv(`app,app-0,,,,,,,,,,,,${status},,2,,,,,,,,,,,,,`))[0]?.up
  for (const status of ['UP', 'UP 1/2', 'no check', 'UP (agent)']) assert.equal(up(status), true, status)
  for (const status of ['DOWN', 'DOWN 1/2', 'MAINT', 'MAINT (via app/app-0)', 'DRAIN', 'NOLB', ''])
    assert.equal(up(status), false, status)
})

test('anything but the command’s output is an error', () => {
  for (const text of ['', 'Unknown command\n', '# \n'.slice(2)])
    assert.throws(() => parseStats(text), TypeError)
  assert.throws(() => parseWorkerPid('Permission denied\n'), TypeError)
})

test('info gives the process id of the worker', () => {
  assert.equal(parseWorkerPid('Name: HAProxy\nVersion: 3.0.11\nPid: 7\nUptime_sec: 5\n'), 7)
})

test('old workers are those that a reload has replaced and that still run', () => {
  const none =
    '#<PID>          <type>          <reloads>       <uptime>        <version>      \n7989            master          0 [failed: 0]   0d00h00m00s     3.0.11\n# workers\n8002            worker          0               0d00h00m00s     3.0.11\n# programs\n\n'
  assert.deepEqual(parseOldWorkers(none), [])
  const two = none.replace(
    '# programs',
    '# old workers\n7900            worker          1               0d00h00m02s     3.0.11\n7800            worker          2               0d00h00m09s     3.0.11\n# programs',
  )
  assert.deepEqual(parseOldWorkers(two), [7900, 7800])
})

test('sessions are parsed with their backend and server', () => {
  const text =
    '0x7fd85c505400: proto=tcpv4 src=127.0.0.1:56322 fe=database-primary be=primary srv=us-east ts=00 epoch=0\n0x7fd85c505c00: proto=sockpair src=unix:2 fe=GLOBAL be=<NONE> srv=<none> ts=00 epoch=0\n\n'
  assert.deepEqual(parseSessions(text), [
    { id: '0x7fd85c505400', backend: 'primary', server: 'us-east' },
    { id: '0x7fd85c505c00', backend: '<NONE>', server: '<none>' },
  ])
})

test('table keys may contain spaces and backslashes', () => {
  assert.deepEqual(
    parseTable('# table: t\n0x1: key=a\\ b\\\\c use=1 exp=0 shard=0 conn_cur=3 gpc(1)=4\nnonsense\n'),
    [{ key: 'a b\\c', data: { use: 1, exp: 0, shard: 0, conn_cur: 3, gpc: 4 } }],
  )
})
