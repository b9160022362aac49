import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { mixOf, mustAskSomething, placesOf, usersRate, usersTime } from '../../../src/cli/lab/users-input.ts'
import { seedNumber } from '../../../src/cli/quantity-option.ts'
import { writable } from '../../../src/cli/writable.ts'
import { type Quantity, readQuantity } from '../../../src/lib/quantities.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'

const folder = temporaryFolder('users-input')
const file = (name: string, text: string | Buffer) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

async function refused(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    const { code, message, remedy } = error as { code: string; message: string; remedy?: string }
    return `${code}: ${message} | ${remedy}`
  }
  return 'accepted'
}

test('a mix is a built-in one or a file, YAML or JSON', async () => {
  assert.equal((await mixOf('checkout')).name, 'checkout')
  const yaml = file('app.yaml', 'requests:\n  home: { get: / }\n')
  const json = file('app.json', '{"name": "mine", "requests": {"home": {"get": "/"}}}')
  assert.equal((await mixOf(yaml)).name, 'app.yaml')
  assert.equal((await mixOf(json)).name, 'mine')
  assert.match(
    await refused(() => mixOf('chekout')),
    /usage_mix_unknown: .* got "chekout" \| did you mean checkout\?/,
  )
  assert.match(await refused(() => mixOf('my/app.yaml')), /usage_mix_unknown: .*no such file/)
  assert.match(await refused(() => mixOf(file('x', 'a: [1'))), /usage_mix: .*not valid YAML or JSON/)
  assert.match(await refused(() => mixOf(file('y', ''))), /usage_mix: y: expected keys and values/)
  assert.match(await refused(() => mixOf(file('z', Buffer.alloc(11 * 1024 ** 2)))), /at most 10 MB/)
  assert.match(await refused(() => mixOf(folder)), /expected a file/)
})

test('places are sets, cities or an existing file', async () => {
  assert.deepEqual(
    (await placesOf(file('p.csv', 'city,weight\nBoston,2'))).map(({ name, weight }) => [name, weight]),
    [['Boston, MA', 2]],
  )
  assert.equal((await placesOf('Boston,Denver')).length, 2)
  assert.match(await refused(() => placesOf('gone.csv')), /usage_places: places: no such file: .*gone\.csv/)
  assert.match(await refused(() => placesOf('wrold')), /did you mean world\?/)
})

const read = (quantity: Quantity) => (text: string) => readQuantity(quantity, '--option', text)
const [rateOf, timeOf, seedOf] = [read(usersRate), read(usersTime), read(seedNumber)]

test('errors for rate, time and seed state what is expected', async () => {
  assert.deepEqual([rateOf('200/s'), timeOf('5min'), seedOf('7')], [200, 300_000, 7])
  for (const text of ['0', '-1/s', 'fast', '60000/s', '']) {
    assert.match(await refused(() => rateOf(text)), /such as 200\/s or 90\/min/)
  }
  for (const text of ['60', '0s', '25h', 'long']) {
    assert.match(await refused(() => timeOf(text)), /such as 60s or 5min/)
  }
  assert.match(await refused(() => seedOf('1.5')), /such as 7/)
})

test('a rate too low for a single request is refused', async () => {
  mustAskSomething(rateOf('2/min'), timeOf('30s'))
  assert.match(
    await refused(() => mustAskSomething(rateOf('5/h'), timeOf('30s'))),
    /^usage_users_rate: rate: 5 requests\/h for 30 s is less than one request \| .*--for 720s$/,
  )
})

test('errors in a mix state what is expected', async () => {
  const said = (text: string) => refused(() => mixOf(file('w', text)))
  assert.match(
    await said('requests: { home: { get: /, weight: much } }'),
    /weight: expected a number, got "much"/,
  )
  assert.match(
    await said('steps: 0\nrequests: { home: { get: / } }'),
    /steps: expected a number of at least 1, got 0/,
  )
  assert.match(await said('requests: { home: { get: 7 } }'), /get: expected a string, got 7/)
  assert.match(await said('requests: [a]'), /requests: expected keys and values/)
  assert.match(
    await said('requests: { home: { get: "/{a}", values: { a: 1 } } }'),
    /expected a range such as/,
  )
  assert.match(
    await said('a: [1'),
    /[^:] \| docs\/operate\/simulated-users\.md describes the format of a mix/,
  )
})

test('an unwritable report is detected before the run, and leaves no file', async () => {
  assert.equal(await writable('report', join(folder, 'r.html')), join(folder, 'r.html'))
  assert.match(await refused(() => writable('report', join(folder, 'no/r.html'))), /usage_report/)
  mkdirSync(join(folder, 'dir'))
  assert.match(await refused(() => writable('report', join(folder, 'dir'))), /it is a folder/)
})
