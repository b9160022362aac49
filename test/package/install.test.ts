import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { home } from '../../setup/paths.mjs'
import { locateEngineRoot } from '../../src/engines/root/locate.ts'
import { pack } from '../support/package.ts'
import { ask } from '../support/world/http.ts'
import { takeNetwork } from '../support/world/network.ts'
import { killAll, processesOfWorld, worldMark } from '../support/world/processes.ts'
import { takeWorldLock } from '../support/world/world-lock.ts'

/**
 * The package as a user sees it: installed by npm into a prefix that the user cannot write, and run by an ordinary user
 * with a separate cache, in a folder with only an app. As root, the test runs it as another user; otherwise as this one.
 */

const root = mkdtempSync(join(tmpdir(), 'nearside-package-'))
const prefix = join(root, 'pre fix')
const user = join(root, 'user')
const app = join(user, 'my app')
const world = join(app, '.nearside/my-app')
/** Debian's `nobody`, which runs no worlds. */
const asUser =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] : []

type Ran = { code: number | null; stdout: string; stderr: string }

const env = {
  HOME: user,
  PATH: `${join(prefix, 'bin')}:${join(root, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
  // Marks the world's processes, so that leftovers can be found.
  [worldMark]: world,
}

function run(argv: string[]): Promise<Ran> {
  const [file, ...args] = [...asUser, ...argv]
  const child = spawn(file!, args, { cwd: app, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ran: Ran = { code: null, stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (ran[name] += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ ...ran, code }))
  })
}

async function nearside(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(['nearside', ...args])
  assert.equal(code, 0, `nearside ${args.join(' ')}: ${stderr}${stdout}`)
  return stdout
}

/** Provides engines and Node as the set-up does. They are the same for every user, and building them takes a minute. */
function furnish(): void {
  const { path } = locateEngineRoot()
  const cache = join(user, '.cache/nearside')
  for (const folder of [cache, app, join(root, 'bin')]) mkdirSync(folder, { recursive: true })
  execFileSync('cp', ['-a', '--reflink=auto', path, join(cache, basename(path))])
  copyFileSync(process.execPath, join(root, 'bin/node'), constants.COPYFILE_FICLONE)
  chmodSync(root, 0o755)
  if (asUser.length > 0) execFileSync('chown', ['-R', '--no-dereference', '65534:65534', user])
}

let lock: Awaited<ReturnType<typeof takeWorldLock>>
let network: Awaited<ReturnType<typeof takeNetwork>>
let reaper: ReturnType<typeof spawn>
let unreachable: string | undefined

before(async () => {
  lock = await takeWorldLock()
  network = await takeNetwork()
  reaper = spawn(process.execPath, [join(import.meta.dirname, '../support/world/reaper.ts'), world, root], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  const { tarball } = await pack(root)
  const options = ['--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=1', '--loglevel=error']
  try {
    execFileSync('npm', ['install', '--global', '--prefix', prefix, ...options, tarball], { stdio: 'pipe' })
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr)
    if (!/E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT)\b/.test(said)) throw new Error(said)
    unreachable = 'npm’s registry cannot be reached'
  }
  furnish()
})

after(async () => {
  await killAll(() => processesOfWorld(world))
  rmSync(root, { recursive: true, force: true })
  reaper.stdin!.end()
  network.giveBack()
  lock.end()
})

test('installed by npm, an ordinary user’s app is in several regions with four commands', async (t) => {
  if (unreachable) return t.skip(unreachable)
  const installed = join(prefix, 'lib/node_modules/nearside')
  const before = readdirSync(installed, { recursive: true }).sort()
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  assert.equal(await nearside('--version'), `${version}\n`)
  const commands = ['init', 'check', 'up', 'status', 'lab', 'doctor', 'down']
  const help = await nearside('--help')
  for (const command of commands) assert.match(help, new RegExp(`^ {2}${command}\\b`, 'm'))

  writeFileSync(
    join(app, 'server.js'),
    `require('http')
      .createServer((request, response) => response.end('Hello from ' + process.env.NEARSIDE_REGION))
      .listen(process.env.PORT)`,
  )
  writeFileSync(join(app, 'release.js'), `require('fs').appendFileSync('released', 'x')`)
  assert.match(await nearside('init'), /^Wrote nearside\.config\.ts and nearside-env\.d\.ts\n/)
  const config = join(app, 'nearside.config.ts')
  const text = readFileSync(config, 'utf8')
  assert.match(text, /^ +'npm:@ip-location-db\/geolite2-city-mmdb\/geolite2-city-ipv4\.mmdb',$/m)
  writeFileSync(
    config,
    text
      .replace(/^ {2}domain: .*$/m, `$&\n  network: { base: '${network.base}' },`)
      .replace(/^ +\/\/ release: .*$/m, `    release: ['node', 'release.js'],`),
  )
  assert.match(await nearside('check', '--strict'), /^nearside\.config\.ts: ok\n/)
  execFileSync(
    process.execPath,
    [join(home, 'node_modules/typescript/bin/tsc'), '--noEmit', 'nearside.config.ts'],
    { cwd: app },
  )

  const up = await nearside('up', '--detach')
  assert.match(up, /^my-app is up in us-east and us-west/)
  assert.match(up, /^ +Stop +nearside down$/m, 'as it was typed')
  assert.equal(readFileSync(join(app, 'released'), 'utf8'), 'x')
  for (const [index, region] of ['us-east', 'us-west'].entries()) {
    const host = `${network.base}.${index + 1}.1`
    const { status, body } = await ask({ host, port: 8080, path: '/', timeoutMs: 5000 })
    assert.deepEqual([status, body], [200, `Hello from ${region}`])
  }
  assert.match(await nearside('status'), /^us-west .* serving .* sync /m)
  // A separate program computes the steering table from databases in the package.
  const tables = () =>
    readdirSync(join(user, '.cache/nearside/steering')).filter((name) => /\.table$/.test(name))
  for (const giveUpAt = performance.now() + 60_000; tables().length === 0; await delay(100))
    assert.ok(performance.now() < giveUpAt, 'no steering table')

  assert.match(await nearside('down', '--purge', '--yes'), /my-app is stopped and removed/)
  assert.ok(!existsSync(world))
  assert.deepEqual(processesOfWorld(world), [])
  assert.deepEqual(readdirSync(installed, { recursive: true }).sort(), before, 'nothing written there')
})
