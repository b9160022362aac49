import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { secretsOf } from '../../src/agent/secrets.ts'
import type { NearsideError } from '../../src/lib/errors.ts'
import { secretNames } from '../../src/topology/secrets.ts'
import { temporaryFolder } from '../support/sandboxed.ts'

const file = (folder: string) => join(folder, 'secrets.json')

test('secrets are generated on first use, readable only by their owner, and stay the same', async () => {
  const folder = join(temporaryFolder('secrets'), 'world')
  const made = await secretsOf(folder)
  assert.equal(statSync(file(folder)).mode & 0o777, 0o600)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  assert.deepEqual(Object.keys(made).sort(), [...secretNames].sort())
  for (const secret of Object.values(made)) assert.match(secret, /^[\w-]{32}$/)
  assert.equal(new Set(Object.values(made)).size, secretNames.length)
  assert.deepEqual(await secretsOf(folder), made)
  assert.notDeepEqual(await secretsOf(temporaryFolder('secrets')), made)
})

test('concurrent callers get the same secrets, and no temporary file remains', async () => {
  const folder = temporaryFolder('secrets')
  const all = await Promise.all(Array.from({ length: 20 }, () => secretsOf(folder)))
  for (const one of all) assert.deepEqual(one, all[0])
  assert.deepEqual(readdirSync(folder), ['secrets.json'])
})

test('a file that others may read is refused, since they may have read it', async () => {
  const folder = temporaryFolder('secrets')
  await secretsOf(folder)
  for (const mode of [0o640, 0o604, 0o666]) {
    chmodSync(file(folder), mode)
    await assert.rejects(secretsOf(folder), { code: 'secrets_exposed' })
  }
})

test('a damaged file is neither used nor replaced, and the error contains no part of it', async () => {
  const whole = JSON.stringify(await secretsOf(temporaryFolder('secrets')))
  const { api, ...rest } = JSON.parse(whole) as Record<string, string>
  const damaged = [
    '',
    '{',
    whole.slice(0, -20),
    '[]',
    'null',
    JSON.stringify(rest),
    JSON.stringify({ ...rest, api: '' }),
  ]
  for (const text of damaged) {
    const folder = temporaryFolder('secrets')
    writeFileSync(file(folder), text, { mode: 0o600 })
    const error = (await secretsOf(folder).catch((error) => error)) as NearsideError
    assert.equal(error.code, 'secrets_damaged', text)
    assert.ok(error.remedy)
    for (const secret of Object.values(rest)) assert.ok(!`${error.stack}${error.remedy}`.includes(secret))
    assert.equal(readFileSync(file(folder), 'utf8'), text)
  }
  assert.ok(api)
})

test('a folder in its place is an error, not a reason to generate new secrets', async () => {
  const folder = temporaryFolder('secrets')
  mkdirSync(file(folder), { mode: 0o700 })
  await assert.rejects(secretsOf(folder))
  assert.ok(existsSync(file(folder)))
})
