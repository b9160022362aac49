import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeByTime, timed, timeOf } from '../../../src/world/logs/time.ts'

const at = (text: string) => Date.parse(text)

test('reads the timestamp format of every engine', () => {
  const lines: [string, string][] = [
    ['{"level":30,"time":"2026-05-07T08:29:06.972Z","msg":"agent"}', '2026-05-07T08:29:06.972Z'],
    ['{"level":"warn","ts":"2026-05-07T08:28:38.618575Z","msg":"etcd"}', '2026-05-07T08:28:38.618Z'],
    ['2026-05-07 08:29:27,400 INFO: no action. I am (us-east), a secondary', '2026-05-07T08:29:27.400Z'],
    ['2026-05-07 08:29:27.400 UTC [123] LOG:  checkpoint starting', '2026-05-07T08:29:27.400Z'],
    ['2026-05-07T08:22:14+0000 warning: removing stale PID file', '2026-05-07T08:22:14Z'],
    ['13168:M 07 May 2026 08:28:38.617 * monotonic clock', '2026-05-07T08:28:38.617Z'],
    ['[2026-05-07T10:00:00.5+02:00] app', '2026-05-07T08:00:00.500Z'],
  ]
  for (const [line, time] of lines) assert.equal(timeOf(line), at(time), line)
})

test('a line without a valid time has none', () => {
  for (const line of [
    '',
    '[NOTICE]   (13178) : New worker forked',
    'Debug: Child (13243) Started',
    '{"level":30,"msg":"no time"}',
    '{"time":1795422066275,"msg":"a number"}',
    '2026-99-99 99:99:99 never',
    `${'x'.repeat(500)} 2026-05-07 08:29:27`,
  ])
    assert.equal(timeOf(line), undefined, line.slice(0, 60))
})

test('a line without a time takes that of the line before it, at the beginning that of the first with one', () => {
  const lines = [
    'starting',
    '2026-05-07 08:00:01,000 ERROR: boom',
    '  at a',
    '  at b',
    '2026-05-07 08:00:02,000 INFO: on',
  ]
  const one = at('2026-05-07T08:00:01Z')
  assert.deepEqual(
    timed(lines, 0).map((line) => line.at),
    [one, one, one, one, at('2026-05-07T08:00:02Z')],
  )
  assert.deepEqual(
    timed(['a', 'b'], 42).map((line) => line.at),
    [42, 42],
  )
})

test('files are merged by time, and each keeps its own order whatever its timestamps', () => {
  const file = (name: string, ...times: number[]) =>
    times.map((time, i) => ({ at: time, line: `${name}${i}` }))
  const merged = mergeByTime([file('a', 1, 5, 2), file('b', 3, 4), []])
  assert.deepEqual(
    merged.map((line) => line.line),
    ['a0', 'b0', 'b1', 'a1', 'a2'],
  )
})
