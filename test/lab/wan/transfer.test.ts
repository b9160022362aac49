import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, suite, test } from 'node:test'
import { addresses, type Line, lineMissing, startLine } from '../../support/lab/line.ts'

const port = 5001

/** Both print the hash of their data, which comes from a cipher, so that all packets differ. */
const receive = `
const hash = require('node:crypto').createHash('sha256')
const server = require('node:net').createServer((socket) => {
  socket.on('data', (data) => hash.update(data))
  socket.on('end', () => {
    console.log(hash.digest('hex'))
    socket.end()
    server.close()
  })
}).listen(${port}, '${addresses.b}', () => console.log('ready'))`
const send = (bytes: number) => `
const { createCipheriv, createHash } = require('node:crypto')
const hash = createHash('sha256')
const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16))
const piece = Buffer.alloc(1_000_000)
async function* pieces() {
  for (let sent = 0; sent < ${bytes}; sent += piece.length) {
    const data = cipher.update(piece)
    hash.update(data)
    yield data
  }
}
const socket = require('node:net').connect(${port}, '${addresses.b}')
socket.resume()
require('node:stream').promises.pipeline(pieces, socket).then(() => console.log(hash.digest('hex')))`

suite('a large transfer over TCP', { skip: lineMissing() ?? false }, () => {
  let line: Line
  before(async () => {
    line = await startLine()
  })
  after(() => line?.close())

  const run = (place: 'a' | 'b', script: string) => {
    const [file, ...args] = [...line.inside(place), process.execPath, '-e', script] as [string, ...string[]]
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000 })
    child.stdout.setEncoding('utf8')
    return child
  }

  /** The hashes of sender and receiver. */
  async function transfer(bytes: number): Promise<[string, string]> {
    const receiver = run('b', receive)
    await once(receiver.stdout, 'data')
    const hashes = [run('a', send(bytes)), receiver].map(async (child) => {
      let said = ''
      for await (const data of child.stdout) said += data
      return said.trim()
    })
    return (await Promise.all(hashes)) as [string, string]
  }

  test('arrives as sent, segmented by the kernel', async () => {
    await line.set({ delayMs: 5 })
    const [before] = await line.shaper.stats()
    const [sent, received] = await transfer(40e6)
    assert.match(sent, /^[0-9a-f]{64}$/)
    assert.equal(received, sent)
    const [after] = await line.shaper.stats()
    const [packets, bytes] = [after!.packets - before!.packets, after!.bytes - before!.bytes]
    // At most 1,500 bytes: loss and rate apply to packets on the wire, not to the kernel's large ones.
    assert.ok(bytes >= 40e6 && bytes / packets <= 1_500, `${bytes} bytes in ${packets} packets`)
  })

  test('arrives despite losses, jitter and a slow line', async () => {
    await line.set({ delayMs: 4, jitterMs: 2, lossShare: 0.01, rateBitsPerSecond: 100e6 })
    const [sent, received] = await transfer(4e6)
    assert.match(sent, /^[0-9a-f]{64}$/)
    assert.equal(received, sent)
    const lost = (await line.shaper.stats()).reduce((sum, one) => sum + one.lost, 0)
    assert.ok(lost > 0)
  })
})
