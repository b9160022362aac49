import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../support/sandboxed.ts'

const log = new URL('../../src/lib/log.ts', import.meta.url).href
const program = (body: string) =>
  `const { logger } = await import(${JSON.stringify(log)}); const log = logger({ region: 'here' }); ${body}`
const run = (body: string, stderr: string) =>
  spawnSync(process.execPath, ['--input-type=module', '-e', program(body)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', openSync(stderr, 'a')],
  })

test('each line is one JSON object', () => {
  const file = join(temporaryFolder('log'), 'agent.log')
  run(`log.info({ answer: 42 }, 'said')`, file)
  const { region, answer, msg } = JSON.parse(readFileSync(file, 'utf8'))
  assert.deepEqual({ region, answer, msg }, { region: 'here', answer: 42, msg: 'said' })
})

test('a full disk does not stop the program, and buffered lines are bounded', {
  skip: !existsSync('/dev/full'),
}, () => {
  const { stdout, status } = run(
    `for (let i = 0; i < 20_000; i += 1) log.info('x'.repeat(1000)); console.log('went on', process.memoryUsage().heapUsed < 60e6)`,
    '/dev/full',
  )
  assert.deepEqual([stdout, status], ['went on true\n', 0])
})
