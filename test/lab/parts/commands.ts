import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { LabStatus } from '../../../src/cli/lab/collect.ts'
import type { WorldStatus } from '../../../src/cli/status/types.ts'
import { namespaceOf } from '../../../src/lab/network/names.ts'
import { nearside, type Ran } from '../../cli/program.ts'
import type { LabWorld } from '../../support/lab/world.ts'

/** The command line as an operator meets it, who types it outside of the lab. */
export function commands(lab: () => LabWorld): void {
  // The test runner, our parent, is on the machine's own network.
  const outside = ['nsenter', `--net=/proc/${process.ppid}/ns/net`]
  const run = (...args: string[]): Promise<Ran> =>
    nearside(join(lab().world.folder, '../..'), args, {}, outside)
  async function done(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(...args)
    assert.equal(code, 0, `nearside ${args.join(' ')}: exit ${code}\n${stderr}\n${stdout}`)
    return stdout
  }
  const links = async () => (JSON.parse(await done('lab', 'status', '--json')) as LabStatus).links
  const linkBetween = async (from: string, to: string) =>
    (await links()).find((link) => link.from === from && link.to === to)!

  suite('commands', () => {
    test('lab up again makes and starts nothing, even twice at once', async () => {
      const pids = async () => {
        const { regions } = JSON.parse((await run('status', '--json')).stdout) as WorldStatus
        return regions.flatMap((region) => region.processes.map((one) => one.pid))
      }
      const before = await pids()
      const both = await Promise.all([done('lab', 'up'), done('lab', 'up')])
      for (const said of both) assert.match(said, /nothing had to be started/)
      assert.deepEqual(await pids(), before)
    })

    test('status speaks of the lab as of any world, and says that it is one', async () => {
      const status = JSON.parse(await done('status', '--json')) as WorldStatus
      assert.deepEqual([status.health, status.lab], ['well', lab().place.id])
      assert.ok(status.regions.every((region) => region.source === 'agent'))
      const shown = JSON.parse(await done('lab', 'status', '--json')) as LabStatus
      assert.equal(shown.network, 'up')
      assert.ok(shown.links.length === 6 && shown.links.every((link) => !link.changed))
      assert.ok(shown.links.some((link) => (link.stats?.packets ?? 0) > 0))
    })

    test('lab link changes a link both ways or one way, and takes it back', async () => {
      await done('lab', 'link', 'us-east', 'us-west', '--delay', '80ms', '--loss', '1%')
      for (const [from, to] of [
        ['us-east', 'us-west'],
        ['us-west', 'us-east'],
      ] as const) {
        const { params, changed } = await linkBetween(from, to)
        assert.deepEqual([params.delayMs, params.lossShare, changed], [80, 0.01, true])
      }
      await done('lab', 'link', 'us-east', 'us-west', '--cut-one-way')
      assert.equal((await linkBetween('us-east', 'us-west')).params.cut, true)
      assert.equal((await linkBetween('us-west', 'us-east')).params.cut, false)
      // What someone has changed is not mended by another start.
      await done('lab', 'up')
      assert.equal((await linkBetween('us-east', 'us-west')).params.cut, true)
      await done('lab', 'link', '--restore')
      assert.ok((await links()).every((link) => !link.changed))
    })

    test('a change is in force within 100 ms', async (t) => {
      const { shaper, base } = lab()
      const startedMs = performance.now()
      await shaper.set(base)
      const tookMs = performance.now() - startedMs
      t.diagnostic(`set in ${tookMs.toFixed(1)} ms`)
      assert.ok(tookMs < 100)
    })

    test('names that are none are answered with what was meant', async () => {
      for (const [args, said] of [
        [['lab', 'link', 'us-esat', 'us-west', '--cut'], /did you mean us-east\?/],
        [['lab', 'exec', 'internett', '--', 'true'], /did you mean internet\?/],
        [['lab', 'link', 'us-east', 'us-east'], /no link to itself/],
        [['lab', 'link', 'us-east'], /expected a second region/],
        [['lab', 'link', 'us-east', 'us-west', '--delay', 'soon'], /such as 40ms/],
        [['lab', 'link', 'us-east', 'us-west', '--restore', '--cut'], /stands alone/],
        [['lab', 'lnik'], /did you mean link\?/i],
      ] as const) {
        const { code, stderr } = await run(...args)
        assert.match(stderr, said)
        assert.equal(code, 2, args.join(' '))
      }
    })

    test('lab exec runs a command in a place, with its exit code', async () => {
      const number = await done('lab', 'exec', 'us-west', '--', 'readlink', '/proc/self/ns/net')
      const { numberOf } = await import('../../../src/lab/network/enter.ts')
      assert.equal(number.trim(), `net:[${numberOf(namespaceOf(lab().place.id, 2))}]`)
      assert.equal((await run('lab', 'exec', 'internet', '--', 'sh', '-c', 'exit 7')).code, 7)
    })

    test('nearside up says that a lab has its own', async () => {
      const { code, stderr } = await run('up', '--world', 'ledger-lab')
      assert.equal(code, 2)
      assert.match(stderr, /nearside lab up/)
    })
  })
}
