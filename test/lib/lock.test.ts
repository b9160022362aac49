import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockHolder, withLock } from '../../src/lib/lock.ts'
import { temporaryFolder } from '../support/sandboxed.ts'

const lockModule = join(import.meta.dirname, '../../src/lib/lock.ts')
const never = () => assert.fail('the lock is free')

/** Another process that takes the lock, reports it, and keeps it. */
async function holder(file: string) {
  const program = `
    import { withLock } from ${JSON.stringify(lockModule)}
    await withLock(${JSON.stringify(file)}, 'another', () => {}, async () => {
      console.log('mine')
      await new Promise((resolve) => setTimeout(resolve, 60_000))
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

test('holders run one after another', async () => {
  const file = join(temporaryFolder('lock'), 'lock')
  let inside = 0
  let most = 0
  const work = async () => {
    inside += 1
    most = Math.max(most, inside)
    await new Promise((resolve) => setTimeout(resolve, 30))
    inside -= 1
  }
  const waited: string[] = []
  await Promise.all(['a', 'b', 'c'].map((name) => withLock(file, name, (who) => void waited.push(who), work)))
  assert.deepEqual([most, waited.length], [1, 2])
})

test('a waiter learns the holder’s name and continues when the holder is killed', async () => {
  const file = join(temporaryFolder('lock'), 'lock')
  const child = await holder(file)
  const waited: string[] = []
  const mine = withLock(
    file,
    'me',
    (who) => {
      waited.push(who)
      child.kill('SIGKILL')
    },
    async () => 'done',
  )
  assert.equal(await mine, 'done')
  assert.deepEqual(waited, ['another'])
})

test('after the holder removes the lock file, earlier and later waiters still run one at a time', async () => {
  const folder = join(temporaryFolder('lock'), 'world')
  const file = join(folder, 'lock')
  let inside = 0
  let most = 0
  const work = async () => {
    inside += 1
    most = Math.max(most, inside)
    await new Promise((resolve) => setTimeout(resolve, 50))
    inside -= 1
  }
  const waiting = Promise.withResolvers<void>()
  let waiter: Promise<void> | undefined
  let later: Promise<void> | undefined
  await withLock(file, 'purge', never, async () => {
    waiter = withLock(file, 'waiter', () => waiting.resolve(), work)
    await waiting.promise
    // Its folder goes too, as with the last world of a project.
    rmSync(folder, { recursive: true })
    later = withLock(file, 'later', () => undefined, work)
  })
  await Promise.all([waiter, later])
  assert.equal(most, 1)
})

test('waiting can be aborted; a held lock cannot', async () => {
  const file = join(temporaryFolder('lock'), 'lock')
  const child = await holder(file)
  try {
    const controller = new AbortController()
    const waiting = withLock(file, 'me', () => controller.abort(), never, controller.signal)
    await assert.rejects(waiting, { name: 'AbortError' })
  } finally {
    child.kill('SIGKILL')
  }
})

test('the lock is free again after the work fails', async () => {
  const file = join(temporaryFolder('lock'), 'lock')
  await assert.rejects(
    withLock(file, 'a', never, () => Promise.reject(new Error('work'))),
    { message: 'work' },
  )
  assert.equal(
    await withLock(
      file,
      'b',
      () => undefined,
      async () => 1,
    ),
    1,
  )
})

test('who holds a lock can be seen without waiting, and nobody holds one that is free', async () => {
  const file = join(temporaryFolder('lock'), 'lock')
  assert.equal(lockHolder(file), undefined)
  const name = `nearside down (process ${process.pid})`
  const during = await withLock(file, name, never, async () => lockHolder(file))
  assert.equal(during, name)
  // The file keeps the name of its last holder.
  assert.equal(lockHolder(file), undefined)
})
