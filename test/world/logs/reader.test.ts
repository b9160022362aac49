import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LogFile } from '../../../src/world/logs/files.ts'
import { LogReader } from '../../../src/world/logs/reader.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'

const at = (second: number, text: string) => `2026-01-01T00:00:0${second}.000Z ${text}\n`

function logs() {
  const folder = temporaryFolder('logs')
  const files: LogFile[] = []
  const write = (process: string, text: string) => {
    const file = join(folder, `${process}.log`)
    if (!files.some((one) => one.file === file)) files.push({ region: 'us-east', process, file })
    appendFileSync(file, text)
    return file
  }
  return { files, write }
}
const words = (lines: { process: string; line: string }[]) =>
  lines.map(({ process, line }) => `${process} ${line.split(' ').at(-1)}`)

test('several logs are one, in the order of time', async () => {
  const { files, write } = logs()
  write('etcd', at(1, 'one') + at(3, 'three'))
  write('app-0', at(2, 'two') + at(4, 'four'))
  assert.deepEqual(words(await new LogReader(() => files).last(3)), ['app-0 two', 'etcd three', 'app-0 four'])
})

test('just after a rotation the last lines are those of the copy as well', async () => {
  const { files, write } = logs()
  const file = write('etcd', at(3, 'three'))
  writeFileSync(`${file}.1`, at(1, 'one') + at(2, 'two'))
  assert.deepEqual(words(await new LogReader(() => files).last(2)), ['etcd two', 'etcd three'])
})

test('when followed, it continues where it was, and a new log is read from its first line', async () => {
  const { files, write } = logs()
  write('etcd', at(1, 'one'))
  const reader = new LogReader(() => [...files])
  assert.deepEqual(words(await reader.lastBefore(10)), ['etcd one'])
  assert.deepEqual(await reader.next(), [])
  write('etcd', at(2, 'two'))
  assert.deepEqual(words(await reader.next()), ['etcd two'])
  write('app-0', at(3, 'three'))
  const found = await until('the new log', async () => {
    const lines = await reader.next()
    return lines.length > 0 && lines
  })
  assert.deepEqual(words(found), ['app-0 three'])
})
