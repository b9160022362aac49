import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { folderVariable } from '../../src/agent/layout.ts'
import { identify, lookAt, type Process } from '../../src/lib/proc.ts'
import { originOf, regionIn, worldName } from '../../src/world/origin.ts'
import { agentAt, processesOf, recordsOf } from '../../src/world/processes.ts'
import { temporaryFolder, until } from '../support/sandboxed.ts'

const started: number[] = []
after(() => {
  for (const pid of started)
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has already exited.
    }
})

/** A process in a session of its own, as agents start theirs. */
function daemon(command: string[], options: { cwd?: string; env?: Record<string, string> } = {}): number {
  const { pid } = spawn(command[0]!, command.slice(1), {
    cwd: options.cwd ?? '/',
    env: { PATH: process.env.PATH ?? '', ...options.env },
    detached: true,
    stdio: 'ignore',
  })
  started.push(pid!)
  return pid!
}

function world() {
  const folder = join(realpathSync(temporaryFolder('processes')), '.nearside/shop')
  const region = join(folder, 'regions/us-east')
  mkdirSync(join(region, 'run'), { recursive: true })
  mkdirSync(join(folder, 'regions/us-west'), { recursive: true })
  const places = ['us-east', 'us-west'].map((name) => ({ name, folder: join(folder, 'regions', name) }))
  return { folder, region, found: () => processesOf(folder, places) }
}

test('a recorded process belongs to its region, with its descendants and session', async () => {
  const { region, found } = world()
  const pid = daemon(['sh', '-c', 'sleep 60 & (sleep 61 & sleep 62) & wait'])
  await until('its children', () => [...lookChildren(pid)].length >= 3)
  writeFileSync(join(region, 'run/app-0.json'), JSON.stringify({ ...identify(pid), spec: 'x', startedAt: 1 }))
  const processes = found()
  assert.ok(processes.length >= 4)
  assert.deepEqual([...new Set(processes.map((one) => `${one.region}/${one.name}`))], ['us-east/app-0'])
  assert.deepEqual(
    processes.filter((one) => one.main).map((one) => one.pid),
    [pid],
  )
})

test('a record with a reused process id is ignored', () => {
  const { region, found } = world()
  const pid = daemon(['sleep', '60'])
  writeFileSync(
    join(region, 'run/redis.json'),
    JSON.stringify({ pid, startTicks: 1, spec: 'x', startedAt: 1 }),
  )
  writeFileSync(join(region, 'run/etcd.json'), '{"pid":')
  assert.deepEqual([...recordsOf(region).keys()], ['redis'])
  assert.deepEqual(found(), [])
})

test('without a record, a process is found by its working directory or environment', async () => {
  const { region, found } = world()
  const here = daemon(['sleep', '60'], { cwd: region })
  const marked = daemon(['sleep', '60'], { env: { [folderVariable]: region } })
  const other = daemon(['sleep', '60'], { env: { [folderVariable]: `${region}-2` } })
  await until('both', () => found().length === 2)
  const pids = found().map((one) => one.pid)
  assert.deepEqual(pids.sort(), [here, marked].sort())
  assert.ok(!pids.includes(other))
})

test('the calling command never belongs to a region, even in the region’s folder', () => {
  const { region, found } = world()
  const cwd = process.cwd()
  process.chdir(region)
  try {
    assert.deepEqual(found(), [])
  } finally {
    process.chdir(cwd)
  }
})

test('an agent is recognized by its command line', () => {
  const command = [
    'node',
    '/opt/nearside/src/agent/main.ts',
    '--world',
    '/w/.nearside/shop',
    '--region',
    'us-east',
  ]
  assert.deepEqual(agentAt({ command }), { folder: '/w/.nearside/shop', region: 'us-east' })
  assert.equal(agentAt({ command: ['vi', 'src/agent/main.ts'] }), undefined)
  assert.equal(agentAt({ command: ['node', '/x/main.ts', '--world', 'a', '--region', 'b'] }), undefined)
  assert.equal(agentAt({ command: [] }), undefined)
})

test('a path identifies the world and region, even if the folder is gone', () => {
  const shop = { world: '/srv/shop/.nearside/shop', region: 'us-east' }
  assert.deepEqual(regionIn('/srv/shop/.nearside/shop/regions/us-east'), shop)
  assert.deepEqual(regionIn('/srv/shop/.nearside/shop/regions/us-east (deleted)'), shop)
  assert.deepEqual(regionIn('/srv/shop/.nearside/shop/regions/us-east/data/postgres/main (deleted)'), shop)
  assert.equal(regionIn('/srv/shop/.nearside/shop/log'), undefined)
  assert.equal(regionIn(''), undefined)
  assert.equal(worldName(shop.world), 'shop (/srv/shop)')
})

test('the origin of a process is its world, by whichever evidence exists', () => {
  const one = (change: Partial<Process>): Process => ({
    pid: 1,
    startTicks: 1,
    parent: 1,
    session: 1,
    daemon: true,
    name: 'x',
    command: [],
    workingFolder: '/',
    variable: () => undefined,
    ...change,
  })
  const folder = '/srv/.nearside/shop/regions/us-east'
  const origin = { world: '/srv/.nearside/shop', region: 'us-east' }
  assert.deepEqual(originOf(one({ workingFolder: folder })), origin)
  assert.deepEqual(originOf(one({ variable: () => folder })), origin)
  assert.equal(originOf(one({ workingFolder: folder, daemon: false })), undefined)
  assert.equal(originOf(one({})), undefined)
})

function* lookChildren(pid: number): Generator<number> {
  for (let child = pid + 1; child < pid + 50; child += 1) if (lookAt(child)?.session === pid) yield child
}
