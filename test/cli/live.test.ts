import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { createLive, cut, type Terminal } from '../../src/cli/live.ts'

const esc = '\u001b'
const pieces = new RegExp(String.raw`${esc}\[(\d+)A|${esc}\[J|${esc}\[\?25[lh]|\r|\n|[^${esc}\r\n]+`, 'g')

/** A terminal that understands only what a drawing uses: newline, up, and clear to the end. */
function terminal(columns = 40, rows = 10) {
  const lines: string[] = ['']
  let row = 0
  let written = 0
  const fake = Object.assign(new EventEmitter(), {
    isTTY: true,
    columns,
    rows,
    write(text: string) {
      written += 1
      for (const [part, up] of text.matchAll(pieces)) {
        if (up) row -= Number(up)
        else if (part === '\u001b[J') lines.length = row + 1
        else if (part === '\n') {
          row += 1
          lines[row] ??= ''
        } else if (part === '\r') lines[row] = ''
        else if (!part.startsWith('\u001b')) lines[row] += part
      }
      return true
    },
  })
  return {
    stream: fake as unknown as Terminal,
    shown: () => lines.join('\n').trimEnd(),
    written: () => written,
  }
}

test('a block is redrawn in place', () => {
  const { stream, shown } = terminal()
  const live = createLive(stream)
  live.draw(['one', 'two', 'three'])
  live.draw(['one', '2'])
  assert.equal(shown(), 'one\n2')
  live.end()
})

test('printed lines stay above the block', () => {
  const { stream, shown } = terminal()
  const live = createLive(stream)
  live.draw(['block'])
  live.say('said')
  live.draw(['block 2'])
  live.end('keep')
  live.say('after')
  assert.equal(shown(), 'said\nblock 2\nafter')
})

test('a cleared block leaves nothing, and nothing is drawn after the end', () => {
  const { stream, shown } = terminal()
  const live = createLive(stream)
  live.draw(['block', 'more'])
  live.end('clear')
  live.draw(['late'])
  assert.equal(shown(), '')
})

test('an unchanged block writes nothing', () => {
  const { stream, written } = terminal()
  const live = createLive(stream)
  live.draw(['same'])
  const before = written()
  live.draw(['same'])
  assert.equal(written(), before)
  live.end()
})

test('a block is never higher or wider than the terminal', () => {
  const { stream, shown } = terminal(20, 4)
  const live = createLive(stream)
  live.draw(Array.from({ length: 9 }, (_, i) => `${i} ${'x'.repeat(30)}`))
  assert.deepEqual(
    shown()
      .split('\n')
      .map((line) => line.length),
    [19, 19, 19],
  )
  live.end()
})

test('truncation counts visible characters and resets colours', () => {
  assert.equal(cut('plain', 5), 'plain')
  assert.equal(cut('plain text', 5), 'plai…')
  const red = '\u001b[31mred and more\u001b[39m'
  assert.equal(cut(red, 12), red)
  assert.equal(cut(red, 4), '\u001b[31mred\u001b[0m…')
  assert.equal(stripVTControlCharacters(cut(red, 4)), 'red…')
  assert.equal(cut('ü𝄞ab', 3), 'ü𝄞…')
})
