import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evaluateLabs, type LabHere } from '../../../src/lab/doctor/labs.ts'

const here = (part: Partial<LabHere>): LabHere => ({
  id: '0123abcd',
  folder: '/srv/shop/.nearside/shop-lab',
  world: 'runs',
  namespaces: 5,
  processes: 30,
  missing: [],
  ...part,
})
const evaluate = (...labs: LabHere[]) => evaluateLabs(labs, async () => undefined)

test('complete labs are ok, and so is having none', () => {
  assert.deepEqual(
    [evaluate(), evaluate(here({}))].flat().map((one) => [one.state, one.message]),
    [
      ['ok', 'none on this machine'],
      ['ok', '1 lab, complete'],
    ],
  )
})

test('offers to remove the remains of a lab whose world is gone or dead', async () => {
  const cleaned: string[] = []
  const findings = evaluateLabs(
    [
      here({ id: 'aaaaaaaa', world: 'gone', processes: 2 }),
      here({ id: 'bbbbbbbb', world: 'gone', folder: undefined, processes: 0 }),
      here({ id: 'cccccccc', world: 'dead', processes: 1 }),
      here({ id: 'dddddddd', world: 'none', namespaces: 1, processes: 0 }),
    ],
    async ({ id }) => void cleaned.push(id),
  )
  assert.deepEqual(
    findings.map((one) => one.state),
    ['problem', 'problem', 'warning', 'warning'],
  )
  assert.equal(
    findings[0]?.message,
    '5 network namespaces and 2 processes of the lab shop-lab (/srv/shop), whose world is gone',
  )
  assert.match(findings[1]?.message ?? '', /of lab bbbbbbbb/)
  for (const { fix } of findings) await fix?.run()
  assert.deepEqual(cleaned, ['aaaaaaaa', 'bbbbbbbb', 'cccccccc', 'dddddddd'])
})

test('a running lab with a missing part is a problem without a removal', () => {
  const [finding] = evaluate(here({ missing: ['the network of us-west', 'the shaper'] }))
  assert.equal(
    finding?.message,
    'the lab shop-lab (/srv/shop) runs without the network of us-west and the shaper',
  )
  assert.equal(finding?.fix, undefined)
  assert.match(finding?.remedy ?? '', /nearside lab up/)
})
