import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import { echo } from '../../support/fakes.ts'
import { until } from '../../support/sandboxed.ts'
import { twoRegions } from '../../support/topologies.ts'

const size = 1_000_000
const half = 'x'.repeat(size / 2)

describe('an answer that comes before the end of the request body', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east' })
    for (const name of ['us-east', 'us-west'])
      for (const app of world.at(name).apps) {
        const answer = echo(app.name)
        app.handle = (request, response) => {
          if (request.url === '/destroy') return request.socket.destroy()
          const early = /^\/(early|close)\/(\d+)$/.exec(request.url!)
          if (early?.[1] === 'early') return response.writeHead(Number(early[2])).end('early')
          if (early)
            return response
              .writeHead(Number(early[2]), { connection: 'close' })
              .end('early', () => request.socket.resetAndDestroy())
          return answer(request, response)
        }
      }
  })
  after(() => world?.stop())

  for (const edge of ['us-east', 'us-west'])
    for (const path of ['/destroy', '/early/403', '/early/200', '/close/302', '/close/200'])
      for (const method of ['POST', 'GET'])
        test(`tells the client that the connection ends: ${method} ${path} at ${edge}`, async () => {
          for (const framing of [
            `content-length: ${size}\r\n\r\n${'x'.repeat(size / 2)}`,
            `transfer-encoding: chunked\r\n\r\n${size.toString(16)}\r\n${'x'.repeat(size / 2)}`,
          ]) {
            const connection = world.at(edge).raw(`${method} ${path} HTTP/1.1\r\nhost: a\r\n${framing}`)
            const answer = await connection.wait('the answer', (text) => text.includes('\r\n\r\n'))
            connection.close()
            assert.match(
              answer,
              new RegExp(`^HTTP/1.1 (502|${path.slice(-3)}) .*^connection: close\\r$`, 'ims'),
              framing.slice(0, 40),
            )
          }
        })

  for (const path of ['/destroy', '/close/200'])
    test(`does not hold up the next user of a connection between regions: ${path}`, async () => {
      let stop = false
      const attack = async () => {
        while (!stop) {
          const connection = world
            .at('us-west')
            .raw(`POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${size}\r\n\r\n${half}`)
          await connection.wait('an answer', (text) => text !== '')
          await sleep(200)
          connection.socket.write(half)
          await sleep(100)
          connection.close()
        }
      }
      const attackers = Array.from({ length: 8 }, attack)
      const slow: number[] = []
      try {
        await Promise.all(
          Array.from({ length: 3 }, async () => {
            for (let n = 0; n < 200; n++) {
              const reply = await world.at('us-west').ask('/orders', {
                method: 'POST',
                body: 'x',
                timeout: 5_000,
                signal: AbortSignal.timeout(5_000),
              })
              if (reply.status !== 200) slow.push(reply.status)
            }
          }),
        )
      } finally {
        stop = true
      }
      await Promise.all(attackers)
      assert.deepEqual(slow, [])
    })

  test('is no reason to close when the body is complete', async () => {
    for (const edge of ['us-east', 'us-west'])
      for (const request of [
        'POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx',
        'GET /orders HTTP/1.1\r\nhost: a\r\n\r\n',
      ]) {
        const connection = world.at(edge).raw(request)
        const answer = await connection.wait('the answer', (text) => text.includes('\r\n\r\n'))
        connection.close()
        assert.match(answer, /^HTTP\/1.1 200 /)
        assert.doesNotMatch(answer, /^connection: close/im)
      }
  })
})

describe('a client that ends its side of the connection after a request', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east' })
    for (const name of ['us-east', 'us-west'])
      for (const app of world.at(name).apps) {
        const answer = echo(app.name)
        app.handle = (request, response) => void setTimeout(() => answer(request, response), 300)
      }
  })
  after(() => world?.stop())

  for (const edge of ['us-east', 'us-west'])
    for (const framing of [
      'content-length: 1\r\n\r\nx',
      'transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    ])
      test(`gets the answer to its write at ${edge}: ${framing.slice(0, 17)}`, async () => {
        const connection = world.at(edge).raw(`POST /orders HTTP/1.1\r\nhost: a\r\n${framing}`)
        connection.socket.end()
        assert.match(await connection.closed(), /^HTTP\/1.1 200 /)
      })

  test('gets it after the time without a primary as well', async () => {
    await world.setPrimary(undefined)
    const connection = world
      .at('us-west')
      .raw('POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx')
    connection.socket.end()
    await until('the write to be held', async () => (await world.at('us-west').control.holding()) === 1)
    await world.setPrimary('us-east')
    assert.match(await connection.closed(), /^HTTP\/1.1 200 /)
  })
})

describe('uploads that never end', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      alter: (_, content) =>
        content.replace(/(sc_conn_cur\(6\) gt) \d+/g, '$1 5').replace(/(sc1_conn_cur gt) \d+/g, '$1 12'),
    })
  })
  after(() => world?.stop())

  const begun = {
    'with a length': `content-length: ${size}\r\n\r\n${'x'.repeat(20_000)}`,
    'of unknown length': 'transfer-encoding: chunked\r\n\r\n1\r\nx\r\n',
  }
  const start = (edge: string, localAddress: string, rest: string) => {
    const { address } = world.at(edge).region
    const socket = connect({ host: address, port: world.topology.ports.http, localAddress })
    let text = ''
    socket.on('error', () => undefined).on('data', (part) => (text += part))
    socket.write(`POST /orders HTTP/1.1\r\nhost: a\r\n${rest}`)
    return { socket, status: () => /^HTTP\/1.1 (\d+)/.exec(text)?.[1] }
  }
  const write = (edge: string) => world.at(edge).ask('/orders', { method: 'POST', body: 'x' })
  const current = async (edge: string, proxy: string) =>
    (await world.at(edge).control.stats()).find((row) => row.proxy === proxy && row.kind === 'frontend')!
      .current

  for (const edge of ['us-east', 'us-west'])
    test(`of a small body take no connection from writes, at ${edge}`, async () => {
      const slow = Array.from({ length: 100 }, () => start(edge, '127.0.0.1', 'content-length: 100\r\n\r\nx'))
      await until('them to have arrived', async () => (await current(edge, 'users')) >= slow.length)
      assert.equal((await write(edge)).status, 200)
      await until('no write to be under way', async () => (await current(edge, 'writes')) === 0)
      if (edge === 'us-west') assert.ok((await current('us-east', 'regions')) < 10)
      for (const { socket } of slow) socket.destroy()
    })

  for (const edge of ['us-east', 'us-west'])
    for (const [framing, rest] of Object.entries(begun))
      test(`${framing} are limited for each address and in total, and other writes pass: ${edge}`, async () => {
        const of = async (address: string, refused: number) => {
          const uploads = Array.from({ length: 8 }, () => start(edge, address, rest))
          const answers = () => uploads.flatMap((one) => one.status() ?? [])
          await until('the others to be refused', () => answers().length >= refused)
          return { uploads, answers }
        }
        const both = [await of('127.0.0.11', 3), await of('127.0.0.12', 3)]
        for (const one of both) assert.deepEqual(one.answers(), ['429', '429', '429'])
        const third = await of('127.0.0.13', 6)
        assert.equal(third.answers().length, 6)
        assert.ok(third.answers().includes('503'))
        assert.equal((await write(edge)).status, 200)
        assert.equal(await world.at(edge).control.holding(), 0)
        for (const { uploads } of [...both, third]) for (const { socket } of uploads) socket.destroy()
        await until('another upload to be taken', async () => {
          const body = 'x'.repeat(100_000)
          return (await world.at(edge).ask('/orders', { method: 'POST', body })).status === 200
        })
      })
})

test('while there are many uploads, an address that has some gets no more, and another gets one', async () => {
  const world = await startEdges({
    regions: twoRegions,
    primary: 'us-east',
    alter: (_, content) =>
      content.replace(/(sc1_conn_cur gt) \d+( \} \{ sc_conn_cur\(6\) gt) \d+/g, '$1 6$2 2'),
  })
  const { address } = world.at('us-east').region
  const sockets: Socket[] = []
  const start = (localAddress: string) => {
    const socket = connect({ host: address, port: world.topology.ports.http, localAddress })
    let text = ''
    socket.on('error', () => undefined).on('data', (part) => (text += part))
    socket.write('POST /orders HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n')
    sockets.push(socket)
    return () => /^HTTP\/1.1 (\d+)/.exec(text)?.[1]
  }
  const row = async () =>
    (await world.at('us-east').control.stats()).find(
      (one) => one.proxy === 'chunked' && one.kind === 'frontend',
    )!
  try {
    const all = Array.from({ length: 10 }, () => start('127.0.0.11'))
    await until('the rest to be refused', () => all.filter((status) => status() === '429').length === 4)
    assert.equal((await row()).current, 6)
    const other = start('127.0.0.12')
    await until('the other', async () => (await row()).current === 7)
    assert.equal(other(), undefined)
  } finally {
    for (const socket of sockets) socket.destroy()
    await world.stop()
  }
})
