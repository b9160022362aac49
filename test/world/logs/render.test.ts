import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redactor, renderLine } from '../../../src/world/logs/render.ts'

test('JSON lines of agents and etcd become text', () => {
  const now = Date.parse('2026-05-07T12:00:00Z')
  const line =
    '{"level":40,"time":"2026-05-07T11:59:00.120Z","region":"us-east","error":"no answer","n":3,"msg":"etcd"}'
  assert.match(renderLine(line, now), /^\d\d:\d\d:00\.120 warn etcd error="no answer" n=3$/)
  assert.equal(renderLine('{"level":"warn","msg":"lost","caller":"x.go:1","to":"b"}'), 'warn lost to=b')
})

test('other lines stay as they are', () => {
  for (const line of ['', 'plain', '{not json', '{"any":"thing"}', '[1]', 'null'])
    assert.equal(renderLine(line), line)
})

test('terminal control characters are escaped', () => {
  assert.equal(renderLine('\u001b]0;title\u0007 red'), '\\x1b]0;title\\x07 red')
  assert.equal(renderLine('{"level":30,"msg":"\\u001b[2J"}'), 'info \\x1b[2J')
})

test('a secret of the world is never shown, wherever it is in a line', () => {
  const redact = redactor(['s3cret-one', 's3cret-one-longer', '$pecial.*chars', ''])
  assert.equal(
    redact('postgres://app:s3cret-one@h/app s3cret-one-longer $pecial.*chars'),
    'postgres://app:[secret]@h/app [secret] [secret]',
  )
  assert.equal(redactor([])('text'), 'text')
})
