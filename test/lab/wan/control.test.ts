import assert from 'node:assert/strict'
import { createConnection, type Socket } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { connectShaper } from '../../../src/lab/wan/index.ts'
import { NearsideError } from '../../../src/lib/errors.ts'
import { type Line, lineMissing, startLine } from '../../support/lab/line.ts'
import { until } from '../../support/sandboxed.ts'

const params = { delayMs: 12.345, jitterMs: 1.5, lossShare: 0.01, rateBitsPerSecond: 1e9, cut: false }

const code = (expected: string) => (error: unknown) =>
  error instanceof NearsideError && error.code === expected

suite('the control socket', { skip: lineMissing() ?? false }, () => {
  let line: Line
  before(async () => {
    line = await startLine()
  })
  after(() => line?.close())

  /** A client that ignores the protocol. */
  async function open() {
    const socket: Socket = createConnection(`${line.folder}/control.sock`)
    const client = { socket, said: '', closed: false }
    socket.setEncoding('latin1').on('data', (data: string) => {
      client.said += data
    })
    socket.on('close', () => {
      client.closed = true
    })
    socket.on('error', () => undefined)
    await new Promise((resolve) => socket.once('connect', resolve))
    return client
  }

  /** The answer to the last of these lines. */
  async function ask(...lines: string[]): Promise<string> {
    const client = await open()
    client.socket.write(lines.map((one) => `${one}\n`).join(''))
    await until(`an answer to ${lines}`, () => client.said.split('\n').length > lines.length || client.closed)
    client.socket.destroy()
    return client.said.split('\n').at(-2) ?? ''
  }

  const assertAlive = async () => assert.equal(await ask('hello'), 'ok nearside-wan 1')

  test('links are reported as they were set', async () => {
    const slow = { from: 'b', to: 'a', params: { ...params, cut: true, rateBitsPerSecond: 0 } }
    await line.shaper.set([{ from: 'a', to: 'b', params }, slow])
    assert.deepEqual(await line.shaper.params(), [{ from: 'a', to: 'b', params }, slow])
  })

  test('a change takes effect completely or not at all', async () => {
    const before = await line.shaper.params()
    const other = { from: 'a', to: 'b', params: { ...params, delayMs: 99 } }
    await assert.rejects(line.shaper.set([other, { ...other, to: 'atlantis' }]), code('wan_refused'))
    assert.deepEqual(await line.shaper.params(), before)
    await assert.rejects(
      line.shaper.set([other, { ...other, params: { ...params, lossShare: 1.5 } }]),
      code('wan_parameter'),
    )
    // A refused change does not take effect with the next one.
    await line.shaper.set([])
    assert.deepEqual(await line.shaper.params(), before)
  })

  test('two concurrent changes on one connection do not mix', async () => {
    const to = (delayMs: number) => [
      { from: 'a', to: 'b', params: { ...params, delayMs } },
      { from: 'b', to: 'a', params: { ...params, delayMs } },
    ]
    await Promise.allSettled(Array.from({ length: 50 }, (_, i) => line.shaper.set(to(i))))
    assert.deepEqual(
      (await line.shaper.params()).map((link) => link.params.delayMs),
      [49, 49],
    )
  })

  const wrong: [line: string, why: RegExp][] = [
    ['', /unknown command/],
    [' ', /unknown command/],
    ['quit', /unknown command/],
    ['hello there', /wrong number of words/],
    ['link a b 1 1 0 0', /wrong number of words/],
    ['link a b 1 1 0 0 up up', /wrong number of words/],
    ['link  a b 1 1 0 0 up', /unknown command/],
    ['link a b 1 1 0 0 up ', /unknown command/],
    ['link a nowhere 1 1 0 0 up', /no such place/],
    ['link a b -1 1 0 0 up', /delay_us/],
    ['link a b 1.5 1 0 0 up', /delay_us/],
    ['link a b 0x10 1 0 0 up', /delay_us/],
    ['link a b 60000001 1 0 0 up', /delay_us/],
    ['link a b 1 99999999999999999999999999 0 0 up', /jitter_us/],
    ['link a b 1 1 1000000001 0 up', /loss_ppb/],
    ['link a b 1 1 0 1000000000001 up', /rate_bps/],
    ['link a b 1 1 0 0 down', /up or cut/],
    ['place a', /wrong number of words/],
    [`place ${'x'.repeat(64)} 10.1.1.0/24`, /name/],
    ['place a/b 10.1.1.0/24', /name/],
    ['place a 10.1.1.0/16', /prefix/],
    ['place a 10.1.1.1/24', /prefix/],
    ['place a 10.1.256.0/24', /prefix/],
    ['place a 10.1.0/24', /prefix/],
    ['place a 10..1.0/24', /prefix/],
    ['place a 0010.1.1.0/24', /prefix/],
    ['seed -1', /seed/],
    ['seed 18446744073709551616', /seed/],
    ['x'.repeat(256), /too long/],
    ['x'.repeat(100_000), /too long/],
    ['link a b 1 1 0 0 up\r', /printable/],
    ['hello\0', /printable/],
    ['hell\u00f6', /printable/],
  ]

  test('anything but a command is answered with an error and changes nothing', async () => {
    const before = await line.shaper.params()
    for (const [text, why] of wrong) {
      const answer = await ask(text)
      assert.match(answer, /^error /, JSON.stringify(text))
      assert.match(answer, why, JSON.stringify(text))
    }
    assert.deepEqual(await line.shaper.params(), before)
    assert.equal(await ask('seed 18446744073709551615'), 'ok')
  })

  test('staged links are dropped with their connection', async () => {
    const before = await line.shaper.params()
    assert.equal(await ask('link a b 1 1 0 0 cut'), 'ok')
    assert.equal(await ask('link a b 1 1 0 0 cut', 'discard', 'apply'), 'ok 0')
    assert.equal(await ask('apply'), 'ok 0')
    assert.deepEqual(await line.shaper.params(), before)
  })

  test('random bytes, whole and in pieces, neither crash nor block it', async () => {
    // A small seeded generator, so that failures can be reproduced.
    let state = 12_345
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % below
    }
    const words = [
      'link',
      'place',
      'a',
      'b',
      'apply',
      'stats',
      'links',
      '10.77.1.0/24',
      '0',
      '-1',
      'up',
      '\n',
      ' ',
    ]
    for (let round = 0; round < 60; round += 1) {
      const client = await open()
      const bytes =
        round % 2 === 0
          ? Buffer.from(Array.from({ length: random(6_000) }, () => random(256)))
          : Buffer.from(Array.from({ length: random(800) }, () => words[random(words.length)]).join(' '))
      for (let at = 0; at < bytes.length; at += 1_000) client.socket.write(bytes.subarray(at, at + 1_000))
      if (round % 3 === 0) client.socket.destroy()
      else client.socket.end()
    }
    await assertAlive()
  })

  test('a client that does not read its answers is not read any further, and does not affect others', async () => {
    // 2,000 listings of these exceed any buffer.
    const islands = Array.from({ length: 200 }, (_, i) => ({
      place: `island-${i}`,
      prefix: `10.90.${i}.0/24`,
    }))
    await line.shaper.places(islands)
    await line.shaper.set(islands.map(({ place }) => ({ from: place, to: 'a', params })))
    const client = await open()
    client.socket.pause()
    const asked = 'stats\n'.repeat(2_000)
    client.socket.write(asked)
    await assertAlive()
    await assertAlive()
    assert.equal(client.closed, false)
    // As soon as it reads, it gets all of its answers.
    client.socket.resume()
    const answered = () => client.said.split('\n').filter((one) => one.startsWith('ok ')).length
    await until('all answers', () => answered() === 2_000)
    client.socket.destroy()
  })

  test('the 65th client is refused, and there is room again after one has left', async () => {
    const crowd: Awaited<ReturnType<typeof open>>[] = []
    for (let i = 0; i < 70; i += 1) crowd.push(await open())
    await until('some to be turned away', () => crowd.some((one) => one.said === 'error too many clients\n'))
    for (const one of crowd) one.socket.destroy()
    await until('room', () => ask('hello').then((answer) => answer.startsWith('ok')))
  })

  test('a request on a closed connection is rejected', async () => {
    const shaper = await connectShaper(line.folder)
    shaper.close()
    await assert.rejects(shaper.stats(), code('wan_closed'))
  })
})
