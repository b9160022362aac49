import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadHistory } from '../../../src/lab/history-file.ts'
import type { TestWorld } from '../../support/world.ts'

const program = join(import.meta.dirname, '../../../src/cli/main.ts')

type Answer = {
  ok: boolean
  timeline: { atMs: number; kind: string }[]
  figures: { writes: { acknowledged: number; lost: number }; toWritableMs?: number }
  guarantees: { id: string; promised: boolean; violations: unknown[] }[]
}

/** Runs `nearside drill` as a command, in a world on this machine. It leaves the world as it was. */
export function drill(world: () => TestWorld): void {
  test('drill: a primary crash under load is reported from the fault to full recovery, and no acknowledged write is lost', async (t) => {
    const folder = world().folder
    const [report, history] = [join(folder, 'drill.html'), join(folder, 'drill.jsonl')]
    const { code, out, err } = await run(world(), [
      ...['primary-crash', '--for', '2s', '--baseline', '1s', '--seed', '7', '--json'],
      ...['--report', report, '--history', history],
    ])
    assert.equal(code, 0, err)
    assert.match(err, /Steps\n {2}1\. run the load without faults/)
    const { ok, timeline, figures, guarantees } = JSON.parse(out) as Answer
    for (const { atMs, kind } of timeline) t.diagnostic(`${Math.round(atMs)} ms ${kind}`)
    assert.ok(ok)
    for (const kind of ['fault', 'last write', 'write', 'settled'])
      assert.ok(
        timeline.some((moment) => moment.kind === kind),
        kind,
      )
    assert.ok(figures.writes.acknowledged > 40 && figures.writes.lost === 0)
    assert.ok(figures.toWritableMs! > 0)
    assert.ok(guarantees.some(({ promised }) => promised))
    assert.match(readFileSync(report, 'utf8'), /no guarantee was broken/)
    assert.ok((await loadHistory(history)).history.ops.length > 100)
    assert.deepEqual(existsSync(join(folder, 'faults')) ? readdirSync(join(folder, 'faults')) : [], [])
  })
}

/** Unlike the world's own `cli`, this one may fail. */
function run(world: TestWorld, args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(
    process.execPath,
    [program, 'drill', '-t', join(world.folder, '../../nearside.yaml'), ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let [out, err] = ['', '']
  child.stdout.on('data', (part) => (out += part))
  child.stderr.on('data', (part) => (err += part))
  const timer = setTimeout(() => child.kill('SIGINT'), 120_000)
  return new Promise((resolve) =>
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code, out, err })
    }),
  )
}
