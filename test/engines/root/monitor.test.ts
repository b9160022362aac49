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

/** What a supervisor relies on, tried with the real bubblewrap and engine root. */

const root = locateEngineRoot().path
const folder = temporaryFolder('monitor')

function sandboxed(command: string[], more: Partial<SandboxOptions> = {}) {
  return sandboxCommand({ root, binds: [{ path: folder }], cwd: folder, env: {}, command, ...more })
}

/** Starts it as a supervisor would and answers with the engine's process and bubblewrap's. */
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
  assert.ok(pid, `bubblewrap said no process id: ${info}`)
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

test('the id that bubblewrap says is the engine’s own on the host, and leads its own group and session', async (t) => {
  const { engine, monitor } = await start(t, ['sleep', '1000'])
  await until('the engine to be running', () => commandOf(engine.pid) === 'sleep')
  assert.ok(isAlive(engine), 'the identity seen before the exec still names it')
  const [, parent, group, session] = stat(engine.pid)
  assert.deepEqual([parent, group, session].map(Number), [monitor.pid, engine.pid, engine.pid])
})

test('the monitor ends with the engine and passes its exit status on, 128 + n for a signal', async (t) => {
  const { file, args, env } = sandboxed(['sh', '-c', 'exit 7'])
  assert.equal(spawnSync(file, args, { env }).status, 7)
  const killed = await start(t, ['sleep', '1000'])
  process.kill(killed.engine.pid, 'SIGKILL')
  assert.deepEqual(await killed.ended, [137, null])
})

test('a signal to the monitor is not passed on: a detached engine outlives it, whatever the signal', async (t) => {
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

test('a tied command dies with the monitor, from its exec on', async (t) => {
  const { engine, monitor } = await start(t, ['sleep', '1000'], 'tied')
  await until('the command to be running', () => commandOf(engine.pid) === 'sleep')
  monitor.kill('SIGKILL')
  await until('the command to die', () => !isAlive(engine))
})

test('an engine that cannot be started ends the monitor with an error', () => {
  const { file, args, env } = sandboxed(['no-such-engine'])
  const { status, stderr } = spawnSync(file, args, { env, encoding: 'utf8' })
  assert.notEqual(status, 0)
  assert.match(stderr, /no-such-engine/)
})

test('inside: one unprivileged user with no capability, and a read-only machine', () => {
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

test('the environment is exactly the given one, and a secret in it is in no process’s arguments', async (t) => {
  const { file, args, env } = sandboxed(['sh', '-c', 'env; tr "\\0" " " </proc/$PPID/cmdline'], {
    env: { TOKEN: 's3cret' },
  })
  const { stdout } = spawnSync(file, args, { env, encoding: 'utf8' })
  const [variables, parentArguments] = [stdout.split('\n').slice(0, -1), stdout.split('\n').at(-1)]
  assert.deepEqual(variables.map((line) => line.split('=')[0]).sort(), [
    'HOME',
    'LANG',
    'PATH',
    'PWD',
    'TOKEN',
  ])
  assert.match(parentArguments ?? '', /^bwrap /)
  assert.doesNotMatch(parentArguments ?? '', /s3cret/)
  t.diagnostic(`environment: ${variables.length} variables`)
})

test('a world that only its owner may enter works, and its files belong to who started it', () => {
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
