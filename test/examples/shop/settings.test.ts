import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsFrom } from '../../../examples/shop/settings.ts'

test('the shop needs only a database', () => {
  assert.deepEqual(settingsFrom({ DATABASE_URL: 'postgres://db/shop' }), {
    host: '127.0.0.1',
    port: 3000,
    region: 'local',
    databaseUrl: 'postgres://db/shop',
    databaseReadUrl: 'postgres://db/shop',
    redisUrl: undefined,
  })
})

test('in a region, it reads locally and writes to the primary', () => {
  const settings = settingsFrom({
    HOST: '127.77.2.1',
    PORT: '3001',
    NEARSIDE_REGION: 'us-west',
    DATABASE_URL: 'postgres://127.77.2.1:6432/shop',
    DATABASE_READ_URL: 'postgres://127.77.2.1:6433/shop',
    REDIS_URL: 'redis://127.77.2.1',
  })
  assert.equal(settings.region, 'us-west')
  assert.equal(settings.databaseUrl, 'postgres://127.77.2.1:6432/shop')
  assert.equal(settings.databaseReadUrl, 'postgres://127.77.2.1:6433/shop')
})

test('all problems are reported at once', () => {
  assert.throws(() => settingsFrom({ PORT: 'http' }), /PORT: expected a number.*\nDATABASE_URL: missing/)
})
