import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type EdgeRegion, type EdgeWorld, startEdges } from '../../support/edge.ts'
import { until } from '../../support/sandboxed.ts'
import { twoRegions } from '../../support/topologies.ts'

const kB = 1000
const MB = 1000 * kB
/** Small, so that a test can fill it. An object of more than an eighth is not stored. */
const maxMemory = '24mb'

/** A reader that stops after the first bytes until it is told to go on. */
type SlowReader = { started: Promise<void>; resume(): void; bytes: Promise<{ status: number; body: number }> }

function slowReader(
  { region, topology }: { region: EdgeRegion; topology: EdgeWorld['topology'] },
  path: string,
) {
  const socket: Socket = connect(topology.ports.http, region.region.address)
  socket.write(`GET ${path} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n`)
  let received = 0
  let head: string | undefined
  let early = Buffer.alloc(0)
  let begin = () => {}
  const started = new Promise<void>((resolve) => {
    begin = resolve
  })
  const bytes = new Promise<{ status: number; body: number }>((resolve) => {
    socket.on('data', (part: Buffer) => {
      if (head !== undefined) received += part.length
      else {
        early = Buffer.concat([early, part])
        const end = early.indexOf('\r\n\r\n')
        if (end === -1) return
        head = early.subarray(0, end).toString('latin1')
        received = early.length - end - 4
        socket.pause()
        begin()
      }
    })
    socket.on('error', () => {})
    socket.once('close', () => {
      begin()
      resolve({ status: Number(head?.split(' ')[1] ?? 0), body: received })
    })
  })
  return { started, bytes, resume: () => socket.resume() } satisfies SlowReader
}

describe('a cache without room', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      varnish: true,
      changes: { app: { static: ['/files/*'] }, cdn: { maxMemory } },
    })
    for (const app of world.at('us-east').apps)
      app.handle = (request, response) => {
        // `/files/NAME/BYTES`
        const bytes = Number(new URL(request.url!, 'http://a').pathname.split('/')[3] ?? 100)
        const isText = request.url!.startsWith('/files/text-')
        response.setHeader('content-type', isText ? 'text/csv' : 'application/octet-stream')
        if (!isText) response.setHeader('content-length', bytes)
        response.setHeader('cache-control', 'max-age=600')
        let left = bytes
        const more = () => {
          while (left > 0) {
            const part = Buffer.alloc(Math.min(left, 64 * 1024), 'x')
            left -= part.length
            if (!response.write(part)) return void response.once('drain', more)
          }
          response.end()
        }
        more()
      }
  })
  after(() => world?.stop())

  test('never cuts a body off', async () => {
    const edge = world.at('us-east')
    const objects = Math.ceil((1.5 * 24 * MB) / (10 * kB))
    for (let at = 0; at < objects; at += 50)
      await Promise.all(Array.from({ length: 50 }, (_, n) => edge.ask(`/files/${at + n}/${10 * kB}`)))
    for (const size of [100 * kB, 500 * kB, MB, 2 * MB, 2.9 * MB, 5 * MB])
      for (let n = 0; n < 6; n++) {
        // Rejects without a complete response.
        const { status, headers, body } = await edge.ask(`/files/large-${n}/${size}`)
        assert.deepEqual([status, Number(headers['content-length']), body.length], [200, size, size])
      }
    // It still stores, also what is large, but not what is too large.
    const again = async (size: number) =>
      String((await edge.ask(`/files/large-5/${size}`)).headers['cache-status'])
    assert.match(await again(2.9 * MB), /hit/)
    assert.match(await again(5 * MB), /fwd=bypass/)
  })

  test('a text of unknown length that is too large evicts nothing', async () => {
    const edge = world.at('us-east')
    const ask = async (path: string) => {
      const { headers, body } = await edge.ask(path)
      return { bytes: body.length, isHit: /; hit/.test(String(headers['cache-status'])) }
    }
    const others = Array.from({ length: 100 }, (_, n) => `/files/other-${n}/${10 * kB}`)
    for (const path of others) await ask(path)
    // One that fits is stored.
    await ask(`/files/text-fits/${2 * MB}`)
    assert.deepEqual(await ask(`/files/text-fits/${2 * MB}`), { bytes: 2 * MB, isHit: true })
    for (let n = 0; n < 3; n++)
      assert.deepEqual(await ask(`/files/text-large-${n}/${40 * MB}`), { bytes: 40 * MB, isHit: false })
    const hits = await Promise.all(others.map(ask))
    assert.equal(hits.filter(({ isHit }) => isHit).length, others.length)
  })

  test('has room for 200 slow readers of large files, the same and different ones, beside other users', async () => {
    const edge = { region: world.at('us-east'), topology: world.topology }
    const size = 4 * MB
    const readers = Array.from({ length: 200 }, (_, n) =>
      slowReader(edge, `/files/slow-${n % 2 === 0 ? 'same' : n}/${size}`),
    )
    await Promise.all(readers.map(({ started }) => started))
    for (let n = 0; n < 20; n++)
      for (const path of [`/files/beside-${n}/100`, '/files/beside/100', '/page'])
        assert.equal((await edge.region.ask(path)).status, 200)
    // One after the other: this process is also the app, which must go on answering health checks.
    for (const { resume, bytes } of readers) {
      resume()
      assert.deepEqual(await bytes, { status: 200, body: size })
    }
  })

  test('has room for 200 slow readers of a stored file', async () => {
    const edge = { region: world.at('us-east'), topology: world.topology }
    const size = 2.5 * MB
    const path = `/files/stored/${size}`
    await edge.region.ask(path)
    const readers = Array.from({ length: 200 }, () => slowReader(edge, path))
    await Promise.all(readers.map(({ started }) => started))
    await until('a small file', async () => (await edge.region.ask('/files/small/100')).status === 200)
    // One after the other: this process is also the app, which must go on answering health checks.
    for (const { resume, bytes } of readers) {
      resume()
      assert.deepEqual(await bytes, { status: 200, body: size })
    }
  })
})
