import assert from 'node:assert/strict'
import { globSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { Option } from 'commander'
import { describeEffect, describeFault, describeHealing } from '../../../src/lab/faults/describe.ts'
import { healLeft } from '../../../src/lab/faults/heal-left.ts'
import { nameOf } from '../../../src/lab/faults/options.ts'
import { parseFault, type RawFaultOptions } from '../../../src/lab/faults/parse.ts'
import { readRecords, writeRecord } from '../../../src/lab/faults/record.ts'
import { driverOf, type FaultKind, faultKinds, faultOptions } from '../../../src/lab/faults/table.ts'
import type { FaultTarget } from '../../../src/lab/faults/target.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'

const regions = [
  { name: 'us-east', full: true, serves: true, votes: true },
  { name: 'us-west', full: true, serves: true, votes: true },
  { name: 'us-central', full: false, serves: false, votes: true },
]
const facts = { regions, primary: 'us-east', processesOf: () => ['postgres', 'etcd', 'app-0', 'agent'] }

/** One typed fault per kind. The table is complete, so a new kind needs a line here. */
const typed: Record<FaultKind, { words?: string[]; options?: RawFaultOptions }> = {
  'kill-process': { words: ['us-west', 'agent'] },
  'pause-process': { words: ['us-west', 'postgres'] },
  'restart-process': { words: ['us-west', 'app-0'] },
  'kill-region': { words: ['us-west'] },
  'pause-region': { words: ['us-west'] },
  'restart-region': { words: ['us-west'] },
  cut: { words: ['us-west'], options: { from: 'us-east,users', direction: 'in' } },
  'slow-link': { words: ['us-west', 'users'], options: { delay: '80ms', jitter: '10ms', rate: '10mbit/s' } },
  'lossy-link': { words: ['us-west', 'us-east'], options: { loss: '1%', direction: 'out' } },
  'etcd-quorum': { options: { members: 'us-west,us-central' } },
  'disk-full': { words: ['us-west'] },
  'replay-paused': { words: ['us-west'] },
  'app-hang': { words: ['us-west'] },
  'app-500': { words: ['us-west'], options: { share: '50%' } },
  'app-leak': { words: ['us-west'], options: { mbPerSecond: '5' } },
  'app-clock': { words: ['us-west'], options: { offset: '-1min' } },
}

suite('every kind of fault', () => {
  const faults = faultKinds.map((kind) => {
    const { words = [], options = {} } = typed[kind]
    return parseFault(kind, { words, options: { ...options, for: '5min' } }, facts)
  })

  test('survives storage on disk, with everything needed to describe and heal it', () => {
    for (const fault of faults) {
      const back = JSON.parse(JSON.stringify(fault))
      assert.deepEqual(back, fault)
      assert.equal(describeFault(back), describeFault(fault))
      assert.equal(describeHealing(back), describeHealing(fault))
      assert.deepEqual(driverOf(back).stops?.(back), driverOf(fault).stops?.(fault))
    }
  })

  test('has a description of its effect', () => {
    assert.deepEqual(faults.map(describeFault), [
      'kill us-west/agent, for at most 5 min',
      'pause us-west/postgres, for at most 5 min',
      'restart us-west/app-0',
      'kill everything in us-west, for at most 5 min',
      'pause everything in us-west, for at most 5 min',
      'restart us-west cleanly',
      'cut us-west off one way: it receives nothing from us-east and its users, for at most 5 min',
      'slow the link between us-west and its users: 80 ms more delay, 10 ms of jitter, at most 10 Mbit/s, for at most 5 min',
      'drop 1 % of the packets from us-west to us-east, for at most 5 min',
      'pause etcd in us-west and us-central, for at most 5 min',
      'fill the disk of the database in us-west, for at most 5 min',
      'pause replay on the replica in us-west, for at most 5 min',
      'pause the app in us-west, for at most 5 min',
      'make the app in us-west answer 500 to 50 % of its requests, for at most 5 min',
      'make the app in us-west leak 5 MB/s, for at most 5 min',
      'set the app’s clock in us-west back by 1 min, for at most 5 min',
    ])
  })

  test('is named only in its driver and in drills that choose it', () => {
    const src = join(import.meta.dirname, '../../../src')
    const choosing = ['lab/drill/scenarios.ts', 'lab/drill/schedule.ts']
    // `lossy-link` is also a drill scenario, and `cut` is used for more than faults.
    const otherwise = { 'lossy-link': ['lab/drill/plan-drill.ts'], cut: globSync('**/*.ts', { cwd: src }) }
    const files = new Map(
      globSync('**/*.{ts,cjs}', { cwd: src }).map((file) => [file, readFileSync(join(src, file), 'utf8')]),
    )
    for (const kind of faultKinds) {
      const known = [...choosing, ...((otherwise as Record<string, string[]>)[kind] ?? [])]
      const found = [...files].flatMap(([file, text]) => (text.includes(`'${kind}'`) ? [file] : []))
      const elsewhere = found.filter(
        (file) => !file.startsWith('lab/faults/drivers/') && !known.includes(file),
      )
      assert.deepEqual(elsewhere, [], kind)
      assert.equal(found.filter((file) => file.startsWith('lab/faults/drivers/')).length, 1, kind)
    }
  })
})

test('a fault option has the name that commander gives its value', () => {
  for (const { option, kinds } of faultOptions) {
    assert.equal(nameOf(option), new Option(option.flags).attributeName())
    assert.ok(kinds.length > 0)
  }
})

test('the record of an unknown kind is reported and left for the version that knows it', async () => {
  const folder = temporaryFolder('nearside-faults')
  try {
    const { fault } = await writeRecord(folder, { kind: 'moon-phase' })
    assert.match(describeEffect(fault), /^moon-phase \(.*does not know/)
    const [healed] = await healLeft({ folder } as FaultTarget, () => true)
    assert.match(healed!.error!, /moon-phase: unknown fault in this version of Nearside/)
    assert.equal(readRecords(folder).length, 1)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
