import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { check, checkFile } from '../../src/lab/checker/index.ts'
import { mergeFinals, Recorder } from '../../src/lab/history.ts'
import { loadHistory, saveHistory } from '../../src/lab/history-file.ts'
import { append, everything, historyOf, lists, order, readOrders } from './checker/histories.ts'
import { simulated } from './checker/simulated.ts'

const folder = mkdtempSync(join(tmpdir(), 'nearside-history-'))
after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'history.jsonl')

describe('a history in a file', () => {
  test('is read back unchanged, with the same verdicts', async () => {
    const recorded = simulated(1, 2000)
    await saveHistory(file, recorded)
    assert.deepEqual(await loadHistory(file), recorded)
    assert.deepEqual(await checkFile(file, everything), check(recorded.history, recorded.final, everything))
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  test('is private even if the file existed before, and is not written through a link', async () => {
    const [before, link] = [join(folder, 'before.jsonl'), join(folder, 'link.jsonl')]
    writeFileSync(before, 'x'.repeat(100_000), { mode: 0o644 })
    await saveHistory(before, { history: historyOf() })
    assert.equal(statSync(before).mode & 0o777, 0o600)
    assert.deepEqual(await loadHistory(before), { history: historyOf() })
    symlinkSync(before, link)
    await assert.rejects(saveHistory(link, simulated(1, 5)), { code: 'ELOOP' })
    assert.deepEqual(await loadHistory(before), { history: historyOf() })
  })

  test('keeps arbitrary names', async () => {
    const name = fc.oneof(
      fc.constant('__proto__'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 50 }),
    )
    await fc.assert(
      fc.asyncProperty(name, name, name, async (user, list, value) => {
        const history = historyOf(append(list, value, [0, 1], { user, why: value }))
        const final = {
          views: [{ region: list, source: 'primary' as const, lists: [[list, [value]] as const] }],
          absent: [],
        }
        await saveHistory(file, { history, final })
        assert.deepEqual(await loadHistory(file), JSON.parse(JSON.stringify({ history, final })))
      }),
      { numRuns: 50 },
    )
  })

  test('without a final state cannot be checked', async () => {
    await saveHistory(file, { history: historyOf() })
    assert.deepEqual(await loadHistory(file), { history: historyOf() })
    await assert.rejects(checkFile(file, everything), { code: 'history_unfinished' })
  })

  test('is refused with a line number if damaged', async () => {
    await saveHistory(file, simulated(2, 3))
    const lines = readFileSync(file, 'utf8').split('\n')
    const withLine = (at: number, line: string) => lines.with(at, line).join('\n')
    const op = JSON.parse(lines[1]!).op
    const wrongs: [string, string | Buffer, RegExp][] = [
      ['empty', '', /the file is truncated/],
      ['cut short', lines.slice(0, 3).join('\n'), /the file is truncated/],
      ['cut within a line', readFileSync(file).subarray(0, 300), /expected JSON/],
      ['something else', '<html>', /:1: expected JSON/],
      ['binary', Buffer.from([0, 255, 254, 10, 0]), /:1: expected JSON/],
      ['another JSON', '[1,2]\n', /:1: expected one of op, mark/],
      ['null', 'null\n', /:1: expected one of/],
      ['no header', lines.slice(1).join('\n'), /:1: expected the header/],
      ['a second header', withLine(1, lines[0]!), /:2: expected no second header/],
      ['an operation left out', lines.toSpliced(1, 1).join('\n'), /expected 3 operations, found 2/],
      ['an operation twice', withLine(1, lines[2]!), /unique operation ids/],
      ['an unknown kind', withLine(1, JSON.stringify({ op: { ...op, kind: 'drop' } })), /:2: op: /],
      ['an unknown key', withLine(1, JSON.stringify({ op: { ...op, more: 1 } })), /:2: op: .*more/s],
      ['a time that is none', withLine(1, JSON.stringify({ op: { ...op, invokedMs: 'now' } })), /invokedMs/],
      ['a time before time', withLine(1, JSON.stringify({ op: { ...op, completedMs: -1 } })), /completedMs/],
      ['a key of objects', withLine(1, '{"__proto__":{"op":1}}'), /:2: expected one of/],
      ['another version', withLine(0, lines[0]!.replace('"version":1', '"version":2')), /:1: header: /],
      ['more after its end', `${lines.join('\n')}${lines[1]}\n`, /expected nothing after the line "end"/],
    ]
    for (const [what, content, message] of wrongs) {
      writeFileSync(file, content)
      await assert.rejects(loadHistory(file), { code: 'history_damaged', message }, what)
    }
  })
})

describe('several workloads', () => {
  const header = { version: 1 as const, world: 'test', bootId: 'boot', epochOffsetMs: 0 }

  test('final states of several workloads are merged into one view per database', () => {
    const east = { region: 'east', source: 'replica' as const }
    const merged = mergeFinals([
      { views: [{ ...east, ...lists({ l: 'a' }) }], absent: [], accountsAtStart: [['x', 1]] },
      {
        views: [
          { ...east, orders: [['p', 1]] },
          { region: 'west', source: 'primary', orders: [] },
        ],
        absent: [],
      },
    ])
    assert.deepEqual(merged.views, [
      { region: 'west', source: 'primary', orders: [] },
      { ...east, ...lists({ l: 'a' }), orders: [['p', 1]] },
    ])
    assert.deepEqual(merged.accountsAtStart, [['x', 1]])
  })

  test('a recorder numbers operations', () => {
    const recorder = new Recorder(header)
    const { id: _, ...draft } = order('p', [0, 1])
    recorder.record(draft)
    const { id: __, ...second } = readOrders('p', [2, 3])
    recorder.record(second)
    recorder.mark('cut', 5)
    const { ops, marks } = recorder.history()
    assert.deepEqual(
      ops.map(({ id, kind }) => [id, kind]),
      [
        [0, 'order'],
        [1, 'readOrders'],
      ],
    )
    assert.deepEqual(marks, [{ atMs: 5, what: 'cut' }])
  })
})
