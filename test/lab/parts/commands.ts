import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { userRttMs } from '../../../src/geo/rtt.ts'
import type { LabStatus } from '../../../src/lab/status.ts'
import { namespaceOf } from '../../../src/world/namespaces/names.ts'
import type { WorldStatus } from '../../../src/world/status/types.ts'
import { Operator } from '../../support/lab/operator.ts'
import type { LabWorld } from '../../support/lab/world.ts'

/** The commands of a lab. */
export function commands(lab: () => LabWorld): void {
  const operator = new Operator(lab)
  const done = (...args: string[]) => operator.done(...args)
  const links = async () => (JSON.parse(await done('lab', 'status', '--json')) as LabStatus).links
  const bothWays = async () => {
    const all = await links()
    const between = (from: string, to: string) => all.find((link) => link.from === from && link.to === to)!
    return [between('us-east', 'us-west'), between('us-west', 'us-east')] as const
  }

  suite('commands', () => {
    test('a second lab up creates and starts nothing, even two at the same time', async () => {
      const pids = async () => {
        const { regions } = JSON.parse((await operator.run(['status', '--json'])).stdout) as WorldStatus
        // Sorted: without an agent's answer in time, processes come in the order of their records.
        return regions.flatMap((region) => region.processes.map((one) => one.pid)).sort()
      }
      const before = await pids()
      const both = await Promise.all([done('lab', 'up'), done('lab', 'up')])
      for (const said of both) assert.match(said, /nothing to start/)
      assert.deepEqual(await pids(), before)
    })

    test('status works as for any world and names the lab', async () => {
      // Status gives a local agent 200 ms, and a busy machine may need more.
      const status = await lab().world.until('every agent to answer', async () => {
        const now = JSON.parse(await done('status', '--json')) as WorldStatus
        return now.regions.every((region) => region.source === 'agent') ? now : undefined
      })
      assert.deepEqual([status.health, status.lab], ['healthy', lab().place.id])
      const shown = JSON.parse(await done('lab', 'status', '--json')) as LabStatus
      assert.equal(shown.network, 'up')
      assert.ok(shown.links.length === 6 && shown.links.every((link) => !link.changed))
      assert.ok(shown.links.some((link) => (link.stats?.packets ?? 0) > 0))
    })

    test('lab link changes one or both directions of a link and restores them', async () => {
      await done('lab', 'link', 'us-east', 'us-west', '--delay', '80ms', '--loss', '1%')
      for (const { params, changed } of await bothWays())
        assert.deepEqual([params.delayMs, params.lossShare, changed], [80, 0.01, true])
      await done('lab', 'link', 'us-east', 'us-west', '--cut-one-way')
      const cut = async () => (await bothWays()).map(({ params }) => params.cut)
      assert.deepEqual(await cut(), [true, false])
      // Another start keeps a changed link.
      await done('lab', 'up')
      assert.deepEqual(await cut(), [true, false])
      await done('lab', 'link', '--restore')
      assert.ok((await links()).every((link) => !link.changed))
    })

    test('a change takes effect within 100 ms', async (t) => {
      const { shaper, base } = lab()
      const startedMs = performance.now()
      await shaper.set(base)
      const tookMs = performance.now() - startedMs
      t.diagnostic(`set in ${tookMs.toFixed(1)} ms`)
      assert.ok(tookMs < 100)
    })

    test('unknown names get a suggestion', async () => {
      const cases = [
        [['lab', 'link', 'us-esat', 'us-west', '--cut'], /did you mean us-east\?/],
        [['lab', 'exec', 'internett', '--', 'true'], /did you mean internet\?/],
        [['lab', 'link', 'us-east', 'us-east'], /no link to itself/],
        [['lab', 'link', 'us-east'], /expected a second region/],
        [['lab', 'link', 'us-east', 'us-west', '--delay', 'soon'], /such as 40ms/],
        [['lab', 'link', 'us-east', 'us-west', '--restore', '--cut'], /cannot be combined/],
        [['lab', 'link', 'us-east', 'users', '--delay', '9ms'], /nearside lab fault. with slow-link/],
        [['lab', 'lnik'], /did you mean link\?/i],
      ] as const
      const told = await Promise.all(cases.map(([args]) => operator.run(args)))
      for (const [i, { code, stderr }] of told.entries()) {
        const [args, said] = cases[i]!
        assert.match(stderr, said)
        assert.equal(code, 2, args.join(' '))
      }
    })

    test('lab exec runs a command in a place and returns its exit code', async () => {
      const number = await done('lab', 'exec', 'us-west', '--', 'readlink', '/proc/self/ns/net')
      const { numberOf } = await import('../../../src/world/namespaces/enter.ts')
      assert.equal(number.trim(), `net:[${numberOf(namespaceOf(lab().place.id, 2))}]`)
      assert.equal((await operator.run(['lab', 'exec', 'internet', '--', 'sh', '-c', 'exit 7'])).code, 7)
    })

    test('the command printed by lab up works as is, with the latency of a user', async () => {
      const printed = await done('lab', 'up')
      const [line, from, to] =
        /lab exec internet -- curl --interface (\S+) (http:\/\/\S+)/.exec(printed) ?? assert.fail(printed)
      assert.match(line, /^lab exec/)
      const look = `const started = performance.now()
        require('node:http').get(${JSON.stringify(to)}, { localAddress: ${JSON.stringify(from)} }, (answer) => {
          console.log(answer.statusCode, performance.now() - started)
          process.exit()
        })`
      for (const place of ['internet', 'users']) {
        const answered = await done('lab', 'exec', place, '--', process.execPath, '-e', look)
        const [code, ms] = answered.trim().split(' ').map(Number)
        assert.equal(code, 200)
        // One to connect, one for the request.
        assert.ok(ms! >= 2 * userRttMs({ lat: 0, lon: 0 }, { lat: 0, lon: 0 }), answered)
      }
    })

    test('nearside up refers to lab up', async () => {
      const { code, stderr } = await operator.run(['up', '--world', 'ledger-lab'])
      assert.equal(code, 2)
      assert.match(stderr, /nearside lab up/)
    })
  })
}
