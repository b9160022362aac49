import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { downText } from '../../src/cli/down.ts'
import { secretNames } from '../../src/topology/secrets.ts'
import { temporaryFolder } from '../support/sandboxed.ts'
import { topologyOf, twoRegions } from '../support/topologies.ts'
import { nearside } from './here.ts'

/** A stopped world; us-west is on another machine, and only us-east has logs. */
let folder: string
before(() => {
  folder = temporaryFolder('regions')
  const addresses = { 'us-east': '127.77.1.1', 'us-west': '203.0.113.2', 'us-central': '127.77.3.1' }
  const regions = Object.entries(twoRegions).map(([name, region]) => [
    name,
    { ...region, address: addresses[name as keyof typeof addresses] },
  ])
  const topology = topologyOf(Object.fromEntries(regions))
  const world = join(folder, '.nearside', 'shop')
  mkdirSync(join(world, 'regions/us-east/log'), { recursive: true })
  writeFileSync(join(world, 'regions/us-east/log/agent.log'), '')
  const topologyFile = join(folder, 'nearside.yaml')
  writeFileSync(topologyFile, '')
  const record = { topology, topologyFile, revision: 'r', appFolder: folder, run: 'r' }
  writeFileSync(join(world, 'world.json'), JSON.stringify(record))
  const secrets = Object.fromEntries(secretNames.map((name) => [name, 'sixteen characters']))
  writeFileSync(join(world, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 })
})

test('an unknown region gets the names that the command accepts, and no others', async () => {
  for (const [args, accepted] of [
    [['switchover', '--to', 'mars'], 'us-east or us-west'],
    [['switchover', '--to', 'us-central'], 'us-east or us-west'],
    [['kill', 'mars'], 'us-east or us-central'],
    [['revive', 'mars'], 'us-east or us-central'],
    [['revive', 'us-west'], 'us-east or us-central'],
    [['logs', 'mars'], 'us-east'],
    [['restart', 'mars', 'app-0'], 'us-east, us-west or us-central'],
  ] as const) {
    const { code, stderr } = await nearside(folder, [...args])
    assert.equal(code, 2, args.join(' '))
    assert.ok(
      stderr.startsWith(
        `error: ${args.some((word) => word === '--to') ? '--to' : 'region'}: expected ${accepted}, got "${args.at(-1) === 'app-0' ? 'mars' : args.at(-1)}"\n`,
      ),
      stderr,
    )
  }
})

test('logs of a release command that the app does not have say so', async () => {
  const { code, stderr } = await nearside(folder, ['logs', 'us-east', 'release'])
  assert.equal(code, 1)
  assert.match(
    stderr,
    /^error: release: the app has no release command\n {2}set app\.release in the topology/,
  )
})

test('down says what it found and what it did, without a contradiction', () => {
  assert.equal(downText('shop', true, true), 'shop is stopped and removed')
  assert.equal(downText('shop', false, true), 'shop is removed; it was not running')
  assert.equal(downText('shop', true, false), 'shop is stopped; its data is kept')
  assert.equal(downText('shop', false, false), 'shop was not running; its data is kept')
})
