import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { endRehearsals, rehearsalsOf } from '../../../src/cli/drill/end.ts'
import type { Output } from '../../../src/cli/output.ts'
import { rehearse } from '../../../src/world/rehearsal-lock.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'

const records = new URL('../../../src/lab/faults/record.ts', import.meta.url).href
const rehearsalLockModule = new URL('../../../src/world/rehearsal-lock.ts', import.meta.url).href

suite('a rehearsal in a world that is about to stop', () => {
  let folder: string
  let children: ChildProcess[]
  beforeEach(() => {
    folder = temporaryFolder('nearside-drill')
    children = []
  })
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })

  /** Takes or awaits the lock. When asked to end, it heals and reports so, or ignores the signal (`deaf`). */
  async function rehearsal({ deaf = false, waits = false } = {}) {
    const script = `
      import { rehearse } from ${JSON.stringify(rehearsalLockModule)}
      const ending = new AbortController()
      process.on('SIGTERM', () => ${deaf} || ending.abort())
      const say = (text) => process.stdout.write(text + '\\n')
      await rehearse(${JSON.stringify(folder)}, 'drill', () => say('waits'), async () => {
        if (ending.signal.aborted) return
        say('begun')
        await new Promise((resolve) => {
          const alive = setInterval(() => undefined, 1000)
          ending.signal.addEventListener('abort', () => (clearInterval(alive), resolve()))
        })
        say('healed')
      }, ending.signal)`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    let said = ''
    child.stdout!.setEncoding('utf8').on('data', (text) => {
      said += text
    })
    await until('it to begin', () => said.includes(waits ? 'waits' : 'begun'))
    return { child, said: () => said }
  }
  const found = () => rehearsalsOf(folder, undefined)

  test('ends as on Ctrl-C, even while it waits for the lock, and is announced', async () => {
    const notes: string[] = []
    const output = { note: (text = '') => void notes.push(text) }
    const first = await rehearsal()
    const second = await rehearsal({ waits: true })
    await until('both', async () => (await found()).length === 2)
    const ended = Promise.all([first, second].map(({ child }) => once(child, 'exit')))
    await endRehearsals(await found(), output)
    assert.deepEqual(await ended, [
      [0, null],
      [0, null],
    ])
    assert.match(first.said(), /healed/)
    assert.match(notes[0]!, /stopping nearside drill \(process \d+\), which heals/)
    assert.deepEqual(await found(), [])
  })

  test('is awaited for a limited time', async () => {
    const notes: string[] = []
    const { child } = await rehearsal({ deaf: true })
    await endRehearsals(await found(), { note: (text = '') => void notes.push(text) }, 200)
    assert.match(notes[1]!, /did not exit within 0\.2 s/)
    assert.equal(child.exitCode, null)
  })

  test('includes a manually injected fault, through the process that will heal it', async () => {
    const script = `
      import { writeRecord } from ${JSON.stringify(records)}
      const { id } = await writeRecord(${JSON.stringify(folder)}, { kind: 'kill-region', region: 'us-east', forMs: 60_000 })
      process.stdout.write(id)
      setInterval(() => undefined, 1000)`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    await once(child.stdout!, 'data')
    assert.deepEqual(
      (await found()).map(({ pid, what }) => ({ pid, what })),
      [{ pid: child.pid, what: 'nearside lab fault' }],
    )
    const exit = once(child, 'exit')
    await endRehearsals(await found(), { note: () => undefined })
    assert.deepEqual(await exit, [null, 'SIGTERM'])
    // Its record remains, but a process that is gone heals nothing.
    assert.deepEqual(await found(), [])
  })

  test('excludes the calling process: a soak removes its own world', async () => {
    const { signal } = new AbortController()
    const output = { note: () => undefined } as unknown as Output
    await rehearse(folder, 'soak', output.note, async () => assert.deepEqual(await found(), []), signal)
  })
})
