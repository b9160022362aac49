import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Topology } from '../../src/topology/schema.ts'
import { parametersAccepted, planAccepted } from '../../src/world/trial.ts'
import '../support/needs-engines.ts'
import { temporaryFolder } from '../support/sandboxed.ts'
import { sampleSecrets, topologyOf, withEdge } from '../support/topologies.ts'

function world(parameters: Topology['database']['parameters'], changes: Partial<Topology> = {}) {
  const folder = join(realpathSync(temporaryFolder('trial')), '.nearside/shop')
  mkdirSync(folder, { recursive: true })
  const topology = { ...topologyOf(withEdge, { database: { parameters } }), ...changes }
  return {
    folder,
    record: { topology, revision: 'r', topologyFile: '/srv/t.yaml', appFolder: '/srv', run: '1' },
  }
}

describe('PostgreSQL parameters', () => {
  test('that PostgreSQL accepts pass, whatever their type', async () => {
    const { folder, record } = world({
      work_mem: '8MB',
      random_page_cost: 1.1,
      jit: false,
      log_statement: 'ddl',
    })
    await parametersAccepted(folder, record)
  })

  test('are refused in PostgreSQL’s own words, all at once', async () => {
    const { folder, record } = world({ work_mem: 'banana', jit: true, work_men: 1, log_statement: 'weird' })
    await assert.rejects(parametersAccepted(folder, record), (error: Error) => {
      assert.equal(
        error.message,
        `/srv/t.yaml: PostgreSQL refuses
  database.parameters.work_mem: invalid value for parameter "work_mem": "banana"
  database.parameters.work_men: unrecognized configuration parameter "work_men"
  database.parameters.log_statement: invalid value for parameter "log_statement": "weird"
    Available values: none, ddl, mod, all.`,
      )
      return true
    })
  })
})

describe('the plan of a changed topology', () => {
  test('passes every engine’s config check, and leaves no trial files', async () => {
    const { folder, record } = world({})
    await planAccepted(folder, record, sampleSecrets)
    assert.deepEqual(readdirSync(folder), [])
  })

  test('is refused with the region, the engine and its message, and leaves no trial files', async () => {
    // No known topology passes the checks and fails here, so this bypasses the rules.
    const { folder, record } = world({}, { domain: 'two words' })
    await assert.rejects(planAccepted(folder, record, sampleSecrets), (error: Error) => {
      assert.match(
        error.message,
        /^\/srv\/t\.yaml: an engine refuses the configuration made from it\n {2}us-east\/haproxy: /,
      )
      assert.match(error.message, /\n {2}sa-east\/knot: /)
      return true
    })
    assert.deepEqual(readdirSync(folder), [])
  })
})
