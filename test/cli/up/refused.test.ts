import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { stringify } from 'yaml'
import '../../support/needs-engines.ts'
import { freeNetwork, listening } from '../../support/net.ts'
import { changed, folder } from '../../topology/samples.ts'
import { nearside } from '../here.ts'

test('a first start that is refused leaves nothing behind', async (t) => {
  const at = folder(t)
  const base = await freeNetwork()
  const server = createServer()
  await listening(server, `${base}.2.1`, 8080)
  t.after(() => server.close())
  writeFileSync(`${at}/server.ts`, '')
  const before = ['nearside.yaml', 'server.ts']
  const refused = async (changes: Record<string, unknown>, code: string) => {
    writeFileSync(`${at}/nearside.yaml`, stringify(changed({ 'network.base': base, ...changes })))
    const ran = await nearside(at, ['up', '--detach', '--json'])
    assert.equal(JSON.parse(ran.stdout).error.code, code, ran.stdout)
    assert.deepEqual(readdirSync(at).sort(), before)
  }
  await refused({}, 'port_in_use')
  await refused({ 'database.parameters.work_mem': 'lots' }, 'parameters_refused')
})
