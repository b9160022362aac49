import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { engineRootDir, readRequirements } from '../../../setup/paths.mjs'
import { locateEngineRoot, readManifest } from '../../../src/engines/root/locate.ts'
import { NearsideError } from '../../../src/lib/errors.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'

const packages = {
  'etcd-server': '3.5.16-4',
  haproxy: '3.0.11-1+deb13u5',
  knot: '3.4.6-2',
  patroni: '4.0.7-3~deb13u1',
  'postgresql-17': '17.12-0+deb13u1',
  'redis-server': '5:8.0.2-3+deb13u3',
  varnish: '7.7.0-3+deb13u2',
}
const manifest = JSON.stringify({ builtAt: '2026-01-02T03:04:05.000Z', packages })

const failure = (code: string, remedy: RegExp) => (error: unknown) =>
  error instanceof NearsideError && error.code === code && remedy.test(error.remedy ?? '')

test('the error for a missing root says how to install it', () => {
  const env = { XDG_CACHE_HOME: temporaryFolder('locate') }
  assert.throws(() => locateEngineRoot(env), failure('engine_root_missing', /run any nearside command/))
})

test('versions are upstream versions, without Debian’s epoch and revision', () => {
  assert.deepEqual(readManifest('/r', manifest).versions, {
    etcd: '3.5.16',
    haproxy: '3.0.11',
    knot: '3.4.6',
    patroni: '4.0.7',
    postgresql: '17.12',
    redis: '8.0.2',
    varnish: '7.7.0',
  })
})

test('the root is found where the set-up puts it', () => {
  const env = { XDG_CACHE_HOME: temporaryFolder('locate') }
  const path = engineRootDir(env, readRequirements().engines)
  mkdirSync(dirname(`${path}/manifest.json`), { recursive: true })
  writeFileSync(`${path}/manifest.json`, manifest)
  assert.equal(locateEngineRoot(env).path, path)
})

test('a broken manifest names the folder to delete', () => {
  const broken = failure('engine_root_broken', /delete \/r /)
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"builtAt":"x"}',
    '{"builtAt":"x","packages":{"patroni":"4.0.7-1"}}',
  ])
    assert.throws(() => readManifest('/r', text), broken, text)
})
