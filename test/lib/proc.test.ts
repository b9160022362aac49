import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import {
  allPids,
  identify,
  isAlive,
  lookAt,
  signal,
  uptimeSeconds,
  usage,
  withDescendants,
} from '../../src/lib/proc.ts'
import { temporaryFolder, until } from '../support/sandboxed.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) {
    // The whole process group: a shell's children must not outlive the test.
    if (child.pid !== undefined && identify(child.pid)) process.kill(-child.pid, 'SIGKILL')
  }
})

function start(command: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): number {
  const child = spawn(command[0]!, command.slice(1), { stdio: 'ignore', detached: true, ...options })
  children.push(child)
  return child.pid!
}

test('a process is its id and start time: with only one of them equal, it is another process', () => {
  const id = identify(start(['sleep', '1000']))!
  assert.ok(isAlive(id))
  const other = { ...id, startTicks: id.startTicks - 1 }
  assert.ok(!isAlive(other))
  assert.equal(signal(other, 'SIGKILL'), false)
  assert.equal(usage(other), undefined)
  assert.ok(isAlive(id))
})

test('a zombie is dead', async () => {
  // The shell becomes a program that never waits for its child.
  const parent = start(['sh', '-c', 'sleep 0 & exec sleep 1000'])
  const zombie = await until('a zombie', () =>
    withDescendants([parent]).find((pid) => pid !== parent && identify(pid) === undefined),
  )
  assert.ok(existsSync(`/proc/${zombie}`))
  assert.equal(lookAt(zombie), undefined)
})

test('a program name may have spaces and parentheses', async () => {
  const program = join(temporaryFolder('proc'), 'a) Z 1 (b')
  copyFileSync(existsSync('/usr/bin/sleep') ? '/usr/bin/sleep' : '/bin/sleep', program)
  const pid = start([program, '1000'])
  const seen = await until('its name', () => (lookAt(pid)?.name === 'a) Z 1 (b' ? lookAt(pid) : undefined))
  assert.equal(seen.parent, process.pid)
  assert.deepEqual(seen.command, [program, '1000'])
  assert.ok(isAlive(identify(pid)!))
})

test('finds all descendants at any depth, once each, the given ones first', async () => {
  const top = start(['sh', '-c', 'sh -c "sleep 1000 & wait" & wait'])
  const family = await until('three generations', () => {
    const found = withDescendants([top, top])
    return found.length === 3 ? found : undefined
  })
  assert.equal(family[0], top)
  assert.ok(family.every((pid) => allPids().includes(pid)))
  assert.deepEqual(withDescendants([family[1]!]), family.slice(1))
})

test('a variable is read from the process’s initial environment', () => {
  const pid = start(['sleep', '1000'], { env: { ...process.env, A: 'b=c', EMPTY: '' } })
  const { variable } = lookAt(pid)!
  assert.equal(variable('A'), 'b=c')
  assert.equal(variable('EMPTY'), '')
  assert.equal(variable('NONE'), undefined)
})

test('signal returns whether the process existed', async () => {
  const id = identify(start(['sleep', '1000']))!
  assert.equal(signal(id, 'SIGTERM'), true)
  await until('it to be gone', () => !isAlive(id))
  assert.equal(signal(id, 'SIGTERM'), false)
  assert.equal(identify(id.pid), undefined)
})

test('memory, CPU time and uptime are in the units of their names', () => {
  const used = usage(identify(process.pid)!)!
  const rss = process.memoryUsage.rss()
  assert.ok(used.rssBytes > rss / 4 && used.rssBytes < rss * 4)
  const { user, system } = process.cpuUsage()
  assert.ok(Math.abs(used.cpuSeconds - (user + system) / 1e6) < 1)
  assert.ok(Math.abs(uptimeSeconds(identify(process.pid)!) - process.uptime()) < 5)
})
