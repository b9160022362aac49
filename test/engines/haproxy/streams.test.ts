import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import { twoRegions } from '../../support/topologies.ts'

/** The read is served locally; the write from us-west passes through two edges. */
const ways = [
  { method: 'GET', edge: 'us-east' },
  { method: 'POST', edge: 'us-west' },
] as const

describe('streams', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east' })
  })
  after(() => world?.stop())

  test('server-sent events arrive without delay: each is sent only after the previous one was received', async () => {
    for (const { method, edge } of ways) {
      let send = (_: string) => {}
      let finish = () => {}
      for (const app of world.at('us-east').apps)
        app.handle = (_, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
          send = (text) => response.write(`data: ${text}\n\n`)
          finish = () => response.end()
          send('0')
        }
      const { region } = world.at(edge)
      const events = await new Promise<string[]>((resolve, reject) => {
        const received: string[] = []
        const outgoing = request(
          { host: region.address, port: world.topology.ports.http, method },
          (response) => {
            response.setEncoding('utf8')
            response.on('data', (text: string) => {
              received.push(text)
              if (received.length === 10) finish()
              else send(String(received.length))
            })
            response.once('end', () => resolve(received))
            response.once('error', reject)
          },
        )
        outgoing.once('error', reject)
        outgoing.setTimeout(20_000, () => outgoing.destroy(new Error('an event did not arrive')))
        outgoing.end()
      })
      assert.deepEqual(
        events,
        Array.from({ length: 10 }, (_, n) => `data: ${n}\n\n`),
      )
    }
  })

  test('WebSockets work in both directions until one side closes', async () => {
    for (const app of world.at('us-east').apps)
      app.upgrade = (incoming, socket) => {
        const accept = createHash('sha1')
          .update(`${incoming.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
          .digest('base64')
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
        )
        socket.pipe(socket)
      }
    // us-west has no app, so the WebSocket passes through two edges.
    for (const app of world.at('us-west').apps) await app.stop()
    for (const edge of ['us-east', 'us-west']) {
      const connection = world
        .at(edge)
        .raw(
          'GET /socket HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        )
      const head = await connection.wait('the switch', (text) => text.includes('\r\n\r\n'))
      assert.match(head, /^HTTP\/1.1 101 /)
      // The app’s region, although us-west has not noticed yet that its own app is gone.
      assert.match(head, /nearside-region: us-east/)
      assert.doesNotMatch(head, /nearside-via/)
      assert.match(head, /sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i)
      for (const text of ['ping', 'pong']) {
        connection.socket.write(text)
        await connection.wait(text, (all) => all.endsWith(text))
      }
      connection.socket.end()
      await connection.closed()
    }
  })
})
