import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { controlApp } from '../../../src/lab/faults/app-control.ts'
import { controlOf } from '../../../src/lab/faults/drivers/app.ts'
import { dropFaults, healLeft } from '../../../src/lab/faults/heal-left.ts'
import { inject } from '../../../src/lab/faults/inject.ts'
import { type FaultRecord, readRecords, writeRecord } from '../../../src/lab/faults/record.ts'
import { keepPaused, type ReplayControl } from '../../../src/lab/faults/replay.ts'
import type { Fault } from '../../../src/lab/faults/table.ts'
import type { FaultTarget } from '../../../src/lab/faults/target.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'

let folder: string
beforeEach(() => {
  folder = temporaryFolder('nearside-faults')
})
afterEach(() => rmSync(folder, { recursive: true }))

suite('a replica with paused replay', () => {
  const paused = { kind: 'replay-paused', region: 'us-west', forMs: 20_000 } as const
  function replica() {
    const did: string[] = []
    const target = {
      folder,
      async holdReplay() {
        did.push('hold')
        return async () => void did.push('let go')
      },
      resumeReplay: async () => void did.push('resume'),
      processes: () => [],
      links: undefined,
    } as unknown as FaultTarget
    return { target, did }
  }

  test('is released and resumed once another process has healed it', async () => {
    const { target, did } = replica()
    const { heal } = await inject(target, paused)
    await healLeft(target, () => true)
    // The guard resumed replay, which the hold then paused again.
    await until('the hold to end', () => did.length === 4)
    await heal()
    assert.deepEqual(did, ['hold', 'resume', 'let go', 'resume'])
  })

  test('stays paused while another fault pauses it', async () => {
    const { target, did } = replica()
    const first = await inject(target, paused)
    const second = await inject(target, paused)
    await first.heal()
    assert.deepEqual(did, ['hold', 'hold', 'let go'])
    await second.heal()
    assert.deepEqual(did.slice(3), ['let go', 'resume'])
  })

  test('is not held in a world that stops', async () => {
    const { target, did } = replica()
    await inject(target, paused)
    await dropFaults(target)
    await until('the hold to end', () => did.includes('let go'))
  })

  test('is paused again over a new connection after its database restarts, until it is the primary', async () => {
    const did: string[] = []
    const connection =
      (name: string, lives: number, primary = false) =>
      async (): Promise<ReplayControl> => {
        let left = lives
        return {
          isReplica: async () => !primary,
          async pause() {
            if (left === 0) throw new Error('terminating connection')
            left -= 1
            did.push(name)
          },
          end: async () => undefined,
        }
      }
    const refused = () => Promise.reject(new Error('ECONNREFUSED'))
    const connections = [connection('a', 2), refused, refused, connection('b', 1), connection('c', 0, true)]
    await keepPaused(
      () => connections.shift()!(),
      () => did.push('paused'),
      () => assert.fail('it was not the primary at the start'),
    )
    assert.deepEqual(did, ['a', 'paused', 'a', 'b'])
  })

  test('is refused if its database does not answer the first attempt', async () => {
    const never = () => assert.fail('must not be called')
    await assert.rejects(
      keepPaused(() => Promise.reject(new Error('ECONNREFUSED')), never, never),
      /ECONNREFUSED/,
    )
  })
})

suite('the control file of an app', () => {
  test('contains the active faults, even if two commands heal two faults at the same time', async () => {
    const region = 'us-east'
    mkdirSync(join(folder, region, 'run'), { recursive: true })
    const record = (fault: Fault) => writeRecord(folder, fault)
    const errors = await record({ kind: 'app-500', region, share: 1, forMs: 20_000 })
    const clock = await record({ kind: 'app-clock', region, offsetMs: 1000, forMs: 20_000 })
    const regionFolder = join(folder, region)
    // The other command's healing removes this record between our read and our write.
    const looks: FaultRecord[][] = [[errors, clock], [clock], []]
    await controlApp(regionFolder, () => looks.shift() ?? [], controlOf)
    const file = join(folder, region, 'run/app-fault.json')
    assert.throws(() => readFileSync(file), /ENOENT/)
    const [first] = readRecords(folder)
    const more = [[first!], [first!, clock]]
    await controlApp(regionFolder, () => more.shift() ?? [first!, clock], controlOf)
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).clockOffsetMs, 1000)
  })
})
