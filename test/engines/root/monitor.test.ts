import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { locateEngineRoot } from '../../../src/engines/root/locate.ts'
import { childPid, type SandboxOptions, sandboxCommand } from '../../../src/engines/root/sandbox.ts'
import { identify, isAlive } from '../../../src/lib/proc.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'

/** Properties that a supervisor relies on, tested with the real bubblewrap and engine root. */

const root = locateEngineRoot().path
const folder = temporaryFolder('monitor')

function sandboxed(command: string[], more: Partial<SandboxOptions> = {}) {
  return sandboxCommand({ root, binds: [{ path: folder }], cwd: folder, env: {}, command, ...more })
}

/** Starts an engine as a supervisor would; returns the processes of the engine and of bubblewrap. */
async function start(t: TestContext, command: string[], lifetime: 'detached' | 'tied' = 'detached') {
  const { file, args, env } = sandboxed(command, { infoFd: 3, lifetime })
  const monitor: ChildProcess = spawn(file, args, {
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const ended = once(monitor, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  let info = ''
  for await (const chunk of monitor.stdio[3] as Readable) info += chunk
  const pid = childPid(info)
  assert.ok(pid, `bubblewrap reported no process id: ${info}`)
  const engine = identify(pid)
  assert.ok(engine)
  t.after(() => {
    if (isAlive(engine)) process.kill(pid, 'SIGKILL')
  })
  return { engine, monitor, ended }
}

const stat = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
const commandOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]

test('bubblewrap reports the engine’s process id on the host, which leads its own group and session', async (t) => {
  const { engine, monitor } = await start(t, ['sleep', '1000'])
  await until('the engine to be running', () => commandOf(engine.pid) === 'sleep')
  assert.ok(isAlive(engine), 'the identity from before the exec must still match')
  const [, parent, group, session] = stat(engine.pid)
  assert.deepEqual([parent, group, session].map(Number), [monitor.pid, engine.pid, engine.pid])
})

test('the monitor exits with the engine and with its exit status, 128 + n for a signal', async (t) => {
  const { file, args, env } = sandboxed(['sh', '-c', 'exit 7'])
  assert.equal(spawnSync(file, args, { env }).status, 7)
  const killed = await start(t, ['sleep', '1000'])
  process.kill(killed.engine.pid, 'SIGKILL')
  assert.deepEqual(await killed.ended, [137, null])
})

test('the monitor does not forward signals: a detached engine outlives it', async (t) => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const { engine, monitor, ended } = await start(t, ['sleep', '1000'])
    monitor.kill(signal)
    assert.deepEqual(await ended, [null, signal])
    await until('the engine to get a new parent', () => Number(stat(engine.pid)[1]) !== monitor.pid)
    assert.ok(isAlive(engine), signal)
    process.kill(engine.pid, 'SIGTERM')
    await until('the engine to obey a signal of its own', () => !isAlive(engine))
  }
})

test('a tied command is killed with the monitor, from its exec on', async (t) => {
  const { engine, monitor } = await start(t, ['sleep', '1000'], 'tied')
  await until('the command to be running', () => commandOf(engine.pid) === 'sleep')
  monitor.kill('SIGKILL')
  await until('the command to exit', () => !isAlive(engine))
})

test('the monitor exits with an error when the engine cannot be started', () => {
  const { file, args, env } = sandboxed(['no-such-engine'])
  const { status, stderr } = spawnSync(file, args, { env, encoding: 'utf8' })
  assert.notEqual(status, 0)
  assert.match(stderr, /no-such-engine/)
})

test('the sandbox has one unprivileged user without capabilities and a read-only file system', () => {
  const script = `id -u; id -un; grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status
    for path in / /usr/bin /etc /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/1/oom_score_adj; do
      test -w $path && echo writable: $path
    done
    ls /proc/1/root 2>/dev/null
    ls -A /home /root /srv 2>/dev/null; echo end`
  const { file, args, env } = sandboxed(['sh', '-c', script])
  const { stdout } = spawnSync(file, args, { env, encoding: 'utf8' })
  assert.deepEqual(stdout.split(/\s+/).slice(0, -1), [
    ...['1000', 'nearside'],
    ...['CapEff:', '0000000000000000'],
    ...['NoNewPrivs:', '1', 'end'],
  ])
})

test('the environment is exactly the given one, and its secrets are in no process’s arguments', async (t) => {
  const { file, args, env } = sandboxed(['sh', '-c', 'env; tr "\\0" " " </proc/$PPID/cmdline'], {
    env: { TOKEN: 's3cret' },
  })
  const { stdout } = spawnSync(file, args, { env, encoding: 'utf8' })
  const [variables, parentArguments] = [stdout.split('\n').slice(0, -1), stdout.split('\n').at(-1)]
  const names = variables.map((line) => line.split('=')[0]!)
  // Node hands this one on to every child while coverage is measured.
  const given = names.filter((name) => name !== 'NODE_V8_COVERAGE').sort()
  assert.deepEqual(given, ['HOME', 'LANG', 'PATH', 'PWD', 'TOKEN'])
  assert.match(parentArguments ?? '', /^bwrap /)
  assert.doesNotMatch(parentArguments ?? '', /s3cret/)
  t.diagnostic(`environment: ${variables.length} variables`)
})

test('a world that only its owner may enter works, and new files belong to the starter', () => {
  const world = join(folder, 'private')
  mkdirSync(world, { mode: 0o700 })
  writeFileSync(join(world, 'in'), 'hello', { mode: 0o600 })
  const { file, args, env } = sandboxed(['sh', '-c', 'cat in; cp in out; stat -c %u out'], { cwd: world })
  const { stdout } = spawnSync(file, args, { env, encoding: 'utf8' })
  assert.equal(stdout, 'hello1000\n')
  assert.equal(
    spawnSync('stat', ['-c', '%u', join(world, 'out')], { encoding: 'utf8' }).stdout.trim(),
    String(process.getuid?.()),
  )
})
