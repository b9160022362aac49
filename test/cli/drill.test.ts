import assert from 'node:assert/strict'
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { writeWorld } from '../../src/agent/layout.ts'
import { saveResult } from '../../src/cli/drill/save.ts'
import { defineTopology } from '../../src/index.ts'
import type { DrillResult } from '../../src/lab/drill/types.ts'
import { mustBeRehearsalGround, rehearsalGround } from '../../src/lab/faults/rehearsal-ground.ts'
import { topologySchema } from '../../src/topology/schema.ts'
import type { WorldHandle } from '../../src/world/handle.ts'
import { locked, lockFileOf } from '../../src/world/lock.ts'
import { rehearse } from '../../src/world/rehearsal-lock.ts'
import { temporaryFolder, until } from '../support/sandboxed.ts'
import { nearside } from './here.ts'

suite('the commands fault and drill', () => {
  test('--list lists every fault and every scenario, without a world', async () => {
    const faults = JSON.parse((await nearside('/', ['lab', 'fault', '--list', '--json'])).stdout)
    assert.ok(faults.faults.length >= 16)
    assert.ok(faults.faults.every((one: Record<string, string>) => one.does && one.heals && one.needs))
    assert.match(faults.absent['slow-disk'], /io\.max/)
    const scenarios = JSON.parse((await nearside('/', ['drill', '--list', '--json'])).stdout)
    assert.ok(scenarios.some(({ name }: { name: string }) => name === 'region-loss'))
  })

  test('a file that cannot be written is reported, and the others are written anyway', async () => {
    const folder = temporaryFolder('nearside-drill')
    try {
      const said: string[] = []
      const output = { note: (text = '') => void said.push(text) }
      const header = { version: 1 as const, world: 'shop', bootId: 'x', epochOffsetMs: 0 }
      const result = {
        plan: { scenario: 'cut', world: 'shop', about: '', steps: [] },
        figures: { reads: { elsewhere: [] }, writes: {}, byEdge: [] },
        ...{ guarantees: [], timeline: [], notes: [], seed: 1, faultAt: 0, ok: true, settled: true },
        history: { header, ops: [], marks: [] },
        final: { views: [], absent: [] },
      } as unknown as DrillResult
      const [report, history] = [join(folder, 'nowhere/drill.html'), join(folder, 'drill.jsonl')]
      assert.equal(await saveResult(result, { report, history }, output), false)
      assert.match(said[0]!, /drill\.html: could not write: .*ENOENT/)
      assert.match(said[1]!, /free disk space or make the folder writable/)
      assert.ok(existsSync(history))
      assert.equal(await saveResult(result, { history }, output), true)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('arguments are checked before anything is done, also with --plan', async () => {
    const folder = temporaryFolder('nearside-drill')
    try {
      const topology = topologySchema.parse(
        defineTopology({
          name: 'shop',
          domain: 'shop.example.com',
          regions: {
            'us-east': { location: { lat: 0, lon: 0 } },
            'us-west': { location: { lat: 1, lon: 1 } },
            'us-central': { location: { lat: 2, lon: 2 }, role: 'witness' },
          },
          // No agent answers there.
          network: { base: '127.251' },
          app: { command: ['x'] },
        }),
      )
      await writeWorld(join(folder, '.nearside/shop'), {
        topology,
        topologyFile: join(folder, 'nearside.yaml'),
        revision: 'x',
        appFolder: folder,
        run: 'x',
      })
      symlinkSync('/tmp/nowhere', join(folder, 'link'))
      const refused = async (...words: string[]) => {
        const { code, stdout, stderr } = await nearside(folder, ['drill', ...words, '--plan'])
        return `${code} ${stdout}${stderr}`
      }
      assert.match(
        await refused('region-loss', '--report', 'no/drill.html'),
        /^2 error: --report: cannot write .*no\/drill\.html: .*\n.*pass a file in an existing folder/,
      )
      assert.match(await refused('region-loss', '--history', 'link'), /^2 error: --history: .* symbolic link/)
      assert.match(await refused('region-loss', '--users', '5', '--places', 'eurpe'), /^2 error: .*eurpe/)
      assert.match(await refused('disk-full', 'us-east'), /^1 error: disk-full: .* no disk of its own/)
      assert.match(await refused('app-500', 'us-east'), /^1 error: app-500: .*--app-faults/s)
      assert.match(
        await refused('region-loss', '--writes-per-second', '0'),
        /^2 .*a number of requests per second above 0 and at most 2000/s,
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('one rehearsal at a time in a world: the next one waits, names the holder, and can be interrupted', async () => {
    const folder = temporaryFolder('nearside-drill')
    try {
      const said: string[] = []
      const note = (text: string) => void said.push(text)
      const { signal } = new AbortController()
      const order: string[] = []
      const ending = Promise.withResolvers<void>()
      const first = rehearse(
        folder,
        'soak',
        note,
        async () => {
          // Faults stop and start regions in the meantime.
          await locked(folder, 'fault', note, async () => void order.push('a fault'))
          await ending.promise
          order.push('the first one ends')
        },
        signal,
      )
      await until('a fault', () => order.length > 0)
      const second = rehearse(folder, 'drill', note, async () => void order.push('the next one'), signal)
      await until('the next one to wait', () => said.length > 0)
      const gone = new AbortController()
      const third = rehearse(folder, 'drill', note, async () => assert.fail('it is not wanted'), gone.signal)
      await until('the third one to wait', () => said.length > 1)
      gone.abort()
      assert.equal(await third, undefined)
      ending.resolve()
      await Promise.all([first, second])
      assert.deepEqual(order, ['a fault', 'the first one ends', 'the next one'])
      assert.match(said[0]!, /waiting for nearside soak \(process \d+\)/)
    } finally {
      rmSync(folder, { recursive: true })
      rmSync(lockFileOf(folder), { force: true })
    }
  })

  test('an unknown name is a usage error with a suggestion', async () => {
    const folder = temporaryFolder('nearside-drill')
    try {
      const fault = await nearside(folder, ['lab', 'fault', 'kil-region', 'us-east'])
      assert.equal(fault.code, 2)
      assert.match(fault.stderr, /did you mean kill-region\?/)
      const drill = await nearside(folder, ['drill', 'region-los'])
      assert.equal(drill.code, 2)
      assert.match(drill.stderr, /did you mean region-loss\?/)
      const missing = await nearside(folder, ['drill', 'region-loss'])
      assert.equal(missing.code, 1)
      assert.match(missing.stderr, /nearside (lab )?up/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('regions outside this machine and a lab are refused unless the user insists', () => {
    const world = (addresses: string[], lab?: { id: string }) =>
      ({
        name: 'shop',
        record: { ...(lab ? { lab } : {}) },
        regions: addresses.map((address) => ({ address })),
      }) as unknown as WorldHandle
    assert.equal(rehearsalGround(world(['127.77.1.1', '127.77.2.1'])), 'local')
    assert.equal(rehearsalGround(world(['10.77.1.1'], { id: '0123abcd' })), 'lab')
    const production = world(['127.77.1.1', '192.0.2.1'])
    assert.throws(() => mustBeRehearsalGround(production, undefined), /would affect real users/)
    mustBeRehearsalGround(production, true)
  })
})
