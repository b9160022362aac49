import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Section, updateDocument } from '../../bench/document.ts'

const machine = {
  nearside: '0.1.0',
  cores: 2,
  processor: 'Some CPU, x64',
  memoryGb: 8,
  kernel: '6.1.0',
  distribution: 'Debian 13',
  node: '24.0.0',
  engines: { knot: '3.4.6' },
  loadBefore: 0.25,
}

const section = (name: string, value: number): Section => ({
  name,
  title: `About ${name}`,
  how: 'So and so.',
  figures: [
    { what: 'pause', value, unit: 's', target: { atMost: 4 } },
    { what: '  its worst', value, unit: 's', note: 'a|b' },
  ],
  machine,
  peers: ['gdnsd 3.8'],
  date: '2026-01-02',
  words: `${name} --seed 1`,
})

const names = ['edge', 'dns', 'lag']

test('a section has its figures, verdicts, and the command to measure them again', () => {
  const text = updateDocument('', [section('dns', 5)], names)
  for (const line of [
    '## About dns',
    '| pause | 5 s | | 1.25 | ≤ 4 s | **missed** |',
    '| &nbsp;&nbsp;its worst<br>a\\|b | 5 s | | | | |',
    'Measured on 2026-01-02 with Nearside 0.1.0: `npm run bench -- dns --seed 1`<br>',
    'Node 24.0.0, knot 3.4.6, gdnsd 3.8',
  ])
    assert.ok(text.split('\n').includes(line), `${line}\n---\n${text}`)
})

test('unmeasured sections stay as they are, in order', () => {
  const dns = updateDocument('', [section('dns', 1)], names)
  const both = updateDocument(dns, [section('edge', 2)], names)
  assert.ok(both.indexOf('## About edge') < both.indexOf('## About dns'))
  assert.equal(
    updateDocument(updateDocument('', [section('edge', 2)], names), [section('dns', 1)], names),
    both,
  )
  const again = updateDocument(both, [section('dns', 3)], names)
  assert.equal(updateDocument(again, [section('dns', 1)], names), both)
})

test('the section of a removed benchmark is dropped', () => {
  const both = updateDocument('', [section('edge', 2), section('dns', 1)], names)
  assert.equal(updateDocument(both, [], ['dns']), updateDocument('', [section('dns', 1)], names))
})
