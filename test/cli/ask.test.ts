import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { confirm } from '../../src/cli/ask.ts'

/** A terminal on which this is typed. */
function terminal(typed: string, isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY }) as unknown as NodeJS.ReadStream
  const output = Object.assign(new PassThrough(), { isTTY }) as unknown as NodeJS.WriteStream
  input.push(typed)
  return { input, output, what: '--purge', yes: undefined }
}

test('only y and yes confirm; an empty line, anything else and the end of input decline', async () => {
  const answer = (typed: string) => confirm('Remove it?', terminal(typed))
  for (const typed of ['y\n', 'yes\n', ' YES \n', 'Y\r\n']) assert.equal(await answer(typed), true, typed)
  for (const typed of ['\n', 'n\n', 'yup\n', 'y es\n']) assert.equal(await answer(typed), false, typed)
  const closed = terminal('')
  ;(closed.input as unknown as PassThrough).end()
  assert.equal(await confirm('Remove it?', closed), false)
})

test('without a terminal, confirmation fails', async () => {
  await assert.rejects(confirm('Remove it?', terminal('y\n', false)), {
    code: 'usage_needs_yes',
    remedy: 'add --yes to confirm',
  })
})

test('--yes confirms without a question', async () => {
  assert.equal(await confirm('Remove it?', { ...terminal('', false), yes: true }), true)
})
