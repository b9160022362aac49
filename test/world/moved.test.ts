import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Process } from '../../src/lib/proc.ts'
import { evaluateLeftovers } from '../../src/world/doctor/leftovers.ts'
import { movedError, movedWorlds } from '../../src/world/moved.ts'
import { nearside } from '../cli/here.ts'
import { temporaryFolder } from '../support/sandboxed.ts'

const below = '/srv/shop/.nearside'
const process_ = (workingFolder: string, mark: string, command: string[] = []): Process => ({
  pid: 1,
  startTicks: 1,
  parent: 1,
  session: 1,
  daemon: true,
  name: 'x',
  command,
  workingFolder,
  variable: () => mark,
})
const agent = (at: string) =>
  process_(at, '', ['node', '/n/src/agent/main.ts', '--world', `${below}/shop`, '--region', 'us-east'])
const redis = (at: string) => process_(at, `${below}/shop/regions/us-east`)
const only = (path: string) => (file: string) => file === `${path}/world.json`

test('a world moved while it ran is found by its processes’ arguments and working directories', () => {
  const processes = [redis('/'), agent('/srv/shop/old/shop/regions/us-east'), redis('/elsewhere')]
  const found = movedWorlds(below, processes, only('/srv/shop/old/shop'))
  assert.deepEqual(found, [{ folder: `${below}/shop`, now: '/srv/shop/old/shop', processes: 3 }])
  assert.deepEqual(movedWorlds('/srv/blog/.nearside', processes, only('/srv/shop/old/shop')), [])
  const error = movedError(found[0]!)
  assert.equal(error.code, 'world_moved')
  assert.match(
    error.message,
    /the folder was moved to \/srv\/shop\/old\/shop while the world ran; 3 processes of shop still run/,
  )
  assert.match(error.remedy!, /mv \/srv\/shop\/old\/shop \/srv\/shop\/\.nearside\/shop$/)
})

test('a world with its folder in place is not listed; a removed one is reported as removed', () => {
  assert.deepEqual(movedWorlds(below, [agent(`${below}/shop/regions/us-east`)], only(`${below}/shop`)), [])
  const removed = movedWorlds(below, [agent(`${below}/shop/regions/us-east (deleted)`)], () => false)
  assert.deepEqual(removed, [{ folder: `${below}/shop`, processes: 1 }])
  assert.match(movedError(removed[0]!).remedy!, /doctor --fix/)
})

test('doctor does not offer to kill a world that was only moved', () => {
  const regions = new Map([['us-east', { agent: true, processes: [agent('/x')] }]])
  const [finding] = evaluateLeftovers([
    { world: `${below}/shop`, exists: false, now: '/srv/shop/old/shop', regions },
  ])
  assert.equal(finding!.state, 'problem')
  assert.match(finding!.message, /was moved to \/srv\/shop\/old\/shop/)
  assert.equal(finding!.fix, undefined)
})

test('status, down and up report a moved world, and up makes no second one', async () => {
  const folder = realpathSync(temporaryFolder('moved'))
  const world = join(folder, '.nearside/shop')
  mkdirSync(join(world, 'regions/us-east'), { recursive: true })
  writeFileSync(join(world, 'world.json'), '{}')
  writeFileSync(join(folder, 'server.js'), '')
  writeFileSync(
    join(folder, 'nearside.yaml'),
    `name: shop
domain: shop.example.com
regions:
  us-east: { location: { lat: 39, lon: -77 } }
  us-west: { location: { lat: 45, lon: -119 } }
  us-central: { location: { lat: 41, lon: -95 }, role: witness }
app: { command: [node, server.js] }
`,
  )
  // From outside, this looks like an agent.
  const words = ['src/agent/main.ts', '--world', world, '--region', 'us-east']
  const child = spawn(
    process.execPath,
    ['-e', 'console.log(1); setTimeout(() => {}, 120000)', '--', ...words],
    {
      cwd: join(world, 'regions/us-east'),
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    },
  )
  after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  renameSync(join(folder, '.nearside'), join(folder, 'old'))
  for (const command of ['status', 'down', 'up']) {
    const { code, stderr } = await nearside(folder, [command])
    assert.equal(code, 1, command)
    assert.match(
      stderr,
      /shop: the folder was moved to .*\/old\/shop while the world ran; 1 process of shop still runs/,
      command,
    )
    assert.match(stderr, /move it back.* mv .*\/old\/shop .*\/\.nearside\/shop\n/, command)
  }
  assert.ok(!existsSync(world))
  rmSync(join(folder, 'old'), { recursive: true })
  assert.match(
    (await nearside(folder, ['down'])).stderr,
    /the folder was removed while the world ran.*\n.*doctor --fix/,
  )
})
