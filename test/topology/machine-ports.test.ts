import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkPorts, portLimits } from '../../src/topology/machine-ports.ts'
import type { TopologyInput } from '../../src/topology/schema.ts'
import { topologyOf, twoRegions } from '../support/topologies.ts'

const usual = { firstFree: 1024, isPrivileged: false, ephemeral: [32_768, 60_999] as [number, number] }
const found = (ports: TopologyInput['ports'], limits: Partial<typeof usual> = {}) =>
  checkPorts(topologyOf(twoRegions, { ports }), { ...usual, ...limits })

describe('a port that needs a privilege', () => {
  test('is a problem for an ordinary user, with the present value and the setting that allows it', () => {
    const { problems } = found({ http: 80, dns: 53 })
    assert.deepEqual(
      problems.map(({ at }) => at.join('.')),
      ['ports.http', 'ports.dns'],
    )
    assert.match(problems[0]!.message, /^80 is below 1024, .*ip_unprivileged_port_start = 1024/)
    // The lowest of them: setting it for each would undo the other.
    assert.match(problems[0]!.remedy!, /sysctl -w net\.ipv4\.ip_unprivileged_port_start=53/)
  })

  test('is none where the machine lets everyone bind it, or for root', () => {
    assert.deepEqual(found({ http: 80, dns: 53 }, { firstFree: 53 }).problems, [])
    assert.deepEqual(found({ http: 80, dns: 53 }, { isPrivileged: true }).problems, [])
    assert.deepEqual(found({ http: 80, dns: 53 }, { firstFree: 81 }).problems.length, 2)
  })

  test('is a problem even for root where the engine gets no capability', () => {
    const [problem] = found({ postgres: 543, http: 80 }, { isPrivileged: true }).problems
    assert.equal(problem!.at.join('.'), 'ports.postgres')
    assert.match(problem!.message, /below that, only http, region, health, dns/)
  })
})

test('a port in the machine’s own ephemeral range gives a warning', () => {
  const [warning] = found({ http: 20_000 }, { ephemeral: [15_000, 61_000] }).warnings
  assert.match(warning!.message, /20000 is in the ephemeral port range of this machine \(15000 to 61000\)/)
  assert.deepEqual(found({ http: 20_000 }).warnings, [])
})

test('the limits of this machine can be read', () => {
  const { firstFree, ephemeral } = portLimits()
  assert.ok(firstFree >= 0 && firstFree <= 65_536)
  assert.ok(ephemeral[0] < ephemeral[1])
})
