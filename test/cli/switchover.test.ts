import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { secretNames } from '../../src/topology/secrets.ts'
import { freeEndpoint, temporaryFolder, until } from '../support/sandboxed.ts'
import { topologyOf, twoRegions } from '../support/topologies.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

test('Ctrl-C reports that the switchover continues, and returns immediately', async () => {
  const { host, port } = await freeEndpoint()
  const regions = Object.entries(twoRegions).map(([name, region]) => [name, { ...region, address: host }])
  const topology = topologyOf(Object.fromEntries(regions), { ports: { agent: port } })
  const folder = temporaryFolder('switchover')
  const worldFolder = join(folder, '.nearside', 'shop')
  mkdirSync(worldFolder, { recursive: true })
  const topologyFile = join(folder, 'nearside.yaml')
  writeFileSync(topologyFile, '')
  const record = { topology, topologyFile, revision: 'r', appFolder: folder, run: 'r' }
  writeFileSync(join(worldFolder, 'world.json'), JSON.stringify(record))
  const secrets = Object.fromEntries(secretNames.map((name) => [name, 'sixteen characters']))
  writeFileSync(join(worldFolder, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 })

  let asked = false
  // A slow agent.
  const agent = createServer((request, response) => {
    if (request.url === '/v1/switchover') asked = true
    else response.end(JSON.stringify({ region: 'us-east', etcd: {}, agent: {} }))
  })
  await new Promise<void>((resolve) => agent.listen(port, host, resolve))
  try {
    const command = spawn(process.execPath, [main, 'switchover'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    command.stderr.on('data', (part) => (said += part))
    const ended = new Promise<number | null>((resolve) => command.on('close', resolve))
    await until('the agent to be asked', () => asked || command.exitCode !== null)
    command.kill('SIGINT')
    assert.equal(await ended, 130, said)
    assert.match(said, /but the switchover continues: see .*nearside.* status/)
  } finally {
    agent.closeAllConnections()
    agent.close()
  }
})
