import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type EdgeWorld, logOf, startEdges } from '../../support/edge.ts'
import { type Echo, echo } from '../../support/fakes.ts'
import { until } from '../../support/sandboxed.ts'
import { twoRegions } from '../../support/topologies.ts'

const mb = 1024 ** 2
const edgesOf = (world: EdgeWorld) => ['us-east', 'us-west'].map((name) => world.at(name))

describe('request bodies', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      changes: { app: { maxBody: '1mb' } },
    })
  })
  after(() => world?.stop())

  const edges = ['us-east', 'us-west']
  const seen = () => world.at('us-east').apps.flatMap((app) => app.requests)

  test('up to the limit arrive complete, through one edge and through two, chunked or not', async () => {
    const chunks = Array.from({ length: 64 }, () => Buffer.alloc(mb / 64, 'x'))
    for (const edge of edges)
      for (const body of [Buffer.concat(chunks), [Buffer.concat(chunks)], chunks]) {
        const reply = await world.at(edge).ask('/upload', { method: 'PUT', body })
        assert.equal(reply.status, 200)
        assert.equal(reply.json<Echo>().body.length, mb)
      }
  })

  test('with a declared length over the limit get 413 and never reach the app', async () => {
    for (const edge of edges) {
      for (const body of [Buffer.alloc(mb + 1), [Buffer.alloc(mb + 1)]]) {
        const reply = await world.at(edge).ask('/too-large', { method: 'PUT', body })
        assert.equal(reply.status, 413)
        assert.equal(reply.body, 'The request body is larger than this site accepts.')
        assert.equal(reply.headers['nearside-edge'], edge)
      }
    }
    assert.ok(!seen().includes('PUT /too-large'))
  })

  test('of undeclared length over the limit get 413, and the app never sees more than the limit', async () => {
    for (const edge of edges) {
      let received = 0
      let broken = false
      for (const app of world.at('us-east').apps)
        app.handle = async (request) => {
          try {
            for await (const part of request) received += part.length
          } catch {
            broken = true
          }
        }
      const reply = await world.at(edge).ask('/too-large', {
        method: 'PUT',
        body: Array.from({ length: 64 }, () => Buffer.alloc(mb / 16)),
      })
      assert.equal(reply.status, 413)
      assert.equal(reply.body, 'The request body is larger than this site accepts.')
      await until('the app to see the request abort', () => broken)
      assert.ok(received <= mb)
    }
    for (const app of world.at('us-east').apps) app.handle = echo(app.name)
  })

  test('are streamed: the app gets the beginning before the client has sent the end', async () => {
    let received = ''
    for (const app of world.at('us-east').apps)
      app.handle = async (request, response) => {
        for await (const part of request) received += part
        response.end(received)
      }
    for (const edge of edges) {
      received = ''
      const connection = world
        .at(edge)
        .raw(
          `PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 20005\r\nconnection: close\r\n\r\n${'x'.repeat(20_000)}`,
        )
      // A smaller one, of at most a buffer, reaches the app in one piece.
      await until('the first part', () => received.length === 20_000)
      connection.socket.write('other')
      assert.match(await connection.closed(), /xother$/)

      received = ''
      const chunked = world
        .at(edge)
        .raw(
          'PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\nfirst\r\n',
        )
      await until('the first chunk', () => received === 'first')
      chunked.socket.write('5\r\nother\r\n0\r\n\r\n')
      assert.match(await chunked.closed(), /firstother/)
    }
    for (const app of world.at('us-east').apps) app.handle = echo(app.name)
  })
})

describe('an upload that pauses', () => {
  /** The world is forty times faster than its topology says: `timeoutSeconds` of 90 lasts 2.25 s. */
  const times = (path: string, content: string) =>
    path.endsWith('haproxy.cfg')
      ? content.replace(
          /(timeout client|timeout server|timeout http-request|wait-for-body time) (\d+)(ms|s|m)\b/g,
          (_, what, count, unit) => {
            const ms = Number(count) * { ms: 1, s: 1000, m: 60_000 }[unit as 'ms' | 's' | 'm']
            return `${what} ${Math.round(ms / 40)}ms`
          },
        )
      : content
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      changes: { app: { timeoutSeconds: 90 }, database: { holdSeconds: 0 } },
      alter: times,
    })
  })
  after(() => world?.stop())

  const framings = {
    'with a length': ['content-length: 4\r\n\r\nab', 'cd'],
    chunked: ['transfer-encoding: chunked\r\n\r\n2\r\nab\r\n', '2\r\ncd\r\n0\r\n\r\n'],
  } as const
  for (const [framing, [first, second]] of Object.entries(framings))
    test(`may pause for almost app.timeoutSeconds, and no longer: ${framing}`, async () => {
      await Promise.all(
        edgesOf(world).flatMap((edge) =>
          (['POST', 'GET'] as const).flatMap(async (method) => {
            const start = () => edge.raw(`${method} /up HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${first}`)
            const [patient, silent] = [start(), start()]
            // 72 s.
            await delay(1_800)
            patient.socket.write(second)
            assert.match(await patient.closed(), /^HTTP\/1.1 200 .*"body":"abcd"/s)
            assert.match(await silent.closed(), /^HTTP\/1.1 4\d\d /)
          }),
        ),
      )
    })
})

describe('a chunked request with trailers', () => {
  let world: EdgeWorld
  const ended: string[] = []
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east' })
    for (const name of ['us-east', 'us-west'])
      for (const app of world.at(name).apps)
        app.handle = (request) => void request.resume().on('end', () => ended.push(request.url!))
  })
  after(() => world?.stop())

  const bodies = {
    empty: '0\r\n',
    small: '5\r\nhello\r\n0\r\n',
    large: `8000\r\n${'x'.repeat(32_768)}\r\n0\r\n`,
  }
  for (const [size, body] of Object.entries(bodies))
    for (const pauseMs of [0, 50])
      test(`never gets its end to the app, and no alert into the log: ${size}, after ${pauseMs} ms`, async () => {
        for (const edge of edgesOf(world))
          for (const method of ['POST', 'GET']) {
            const connection = edge.raw(
              `${method} / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`,
            )
            if (pauseMs > 0) await delay(pauseMs)
            connection.socket.write(`${body}x-checksum: abc\r\n\r\n`)
            const answer = await connection.wait('the answer', (text) => text.includes('accepted.'))
            assert.match(answer, /^HTTP\/1.1 400 .*Requests with trailers are not accepted\.$/s)
            connection.close()
          }
        assert.deepEqual(ended, [])
        for (const edge of edgesOf(world)) assert.doesNotMatch(logOf(edge), /ALERT| chunked /)
      })

  test('does not reach the app when it arrives in one piece', async () => {
    for (const edge of edgesOf(world)) {
      const before = edgesOf(world).flatMap(({ apps }) => apps.flatMap(({ requests }) => requests))
      const connection = edge.raw(
        `POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${bodies.small}x-checksum: abc\r\n\r\n`,
      )
      assert.match(
        await connection.wait('the answer', (text) => text.includes('accepted.')),
        /^HTTP\/1.1 400 /,
      )
      connection.close()
      assert.deepEqual(
        edgesOf(world).flatMap(({ apps }) => apps.flatMap(({ requests }) => requests)),
        before,
      )
    }
  })
})

describe('an ambiguous request', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east' })
  })
  after(() => world?.stop())

  const seen = () => world.at('us-east').apps.flatMap((app) => app.requests)
  const line = 'POST /outer HTTP/1.1\r\nhost: a\r\n'
  const inner = 'GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n'

  const ambiguous: Record<string, string> = {
    'two lengths': `${line}content-length: 0\r\ncontent-length: ${inner.length}\r\n\r\n${inner}`,
    'two lengths in one': `${line}content-length: 0, ${inner.length}\r\n\r\n${inner}`,
    'a signed length': `${line}content-length: +0\r\n\r\n${inner}`,
    'a length with a space before the colon': `${line}content-length : ${inner.length}\r\n\r\n${inner}`,
    'an unknown coding': `${line}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`,
    'chunked twice': `${line}transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n${inner}`,
    'chunked not last': `${line}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`,
    'a bad chunk size': `${line}transfer-encoding: chunked\r\n\r\n0x\r\n\r\n${inner}`,
    'a negative chunk size': `${line}transfer-encoding: chunked\r\n\r\n-1\r\n\r\n${inner}`,
    'a bare line feed': `POST /outer HTTP/1.1\nhost: a\ncontent-length: 0, 5\n\n${inner}`,
    'a nul in a header': `${line}x: \0\r\n\r\n${inner}`,
    'a coding in HTTP/1.0': `POST /outer HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    'a coding in HTTP/1.0 with GET': `GET /outer HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    'a length in HTTP/1.0 with GET': `GET /outer HTTP/1.0\r\nhost: a\r\ncontent-length: ${inner.length}\r\n\r\n${inner}`,
    'two hosts': `GET /outer HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n`,
    'a host that contradicts the target': `GET http://b/outer HTTP/1.1\r\nhost: a\r\n\r\n`,
  }
  for (const [what, text] of Object.entries(ambiguous))
    test(`is refused, and the data after it is not taken for a request: ${what}`, async () => {
      const before = seen().length
      const answer = await world.at('us-east').raw(text).closed()
      assert.match(answer, /^HTTP\/1.[01] (400|413|422|501) /)
      if (what.includes('HTTP/1.0')) assert.match(answer, /^HTTP\/1.[01] 400 /)
      assert.deepEqual(seen().slice(before), [])
    })

  test('gets its 400 in HTTP/1.0 when its body never comes, too', async () => {
    const connection = world
      .at('us-east')
      .raw('GET /outer HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n')
    const answer = await connection.wait('the answer', (text) => text.includes('\r\n\r\n'))
    assert.match(answer, /^HTTP\/1.1 400 .*^connection: close\r$/ims)
    connection.close()
  })

  test('with a folded header gives the app a single header', async () => {
    const connection = world
      .at('us-east')
      .raw(`${line}connection: close\r\nx: y\r\n content-length: 7\r\n\r\n`)
    assert.match(await connection.closed(), /"x":"y +content-length: 7"/)
  })

  test('with both a length and chunked encoding is read as chunked, the connection closes, and the data after it is not a request', async () => {
    const before = seen().length
    const answer = await world
      .at('us-east')
      .raw(`${line}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${inner}`)
      .closed()
    assert.equal(answer.match(/^HTTP\/1.1 /gm)?.length, 1)
    assert.deepEqual(seen().slice(before), answer.startsWith('HTTP/1.1 200') ? ['POST /outer'] : [])
  })

  test('cannot upgrade to any protocol but websocket', async () => {
    // The app would accept any upgrade.
    for (const app of world.at('us-east').apps)
      app.upgrade = (_, socket) =>
        socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n')
    for (const upgrade of ['h2c', 'other', 'TLS/1.0']) {
      const reply = await world.at('us-east').ask('/', {
        headers: {
          connection: 'upgrade, http2-settings',
          upgrade,
          'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA',
        },
      })
      const { headers } = reply.json<Echo>()
      assert.equal(headers.upgrade, undefined)
      assert.doesNotMatch(String(headers.connection), /upgrade|http2/i)
    }
    const unnamed = await world
      .at('us-east')
      .ask('/', { headers: { connection: 'close', upgrade: 'websocket', 'sec-websocket-version': '13' } })
    assert.equal(unnamed.status, 200)
    assert.equal(unnamed.json<Echo>().headers.upgrade, undefined)
    const preface = world.at('us-east').raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    assert.match(await preface.closed(), /^HTTP\/1.1 400 /)
    for (const method of ['CONNECT a:80', 'TRACE /']) {
      const connection = world.at('us-east').raw(`${method} HTTP/1.1\r\nhost: a:80\r\n\r\n`)
      assert.match(await connection.wait('an answer', (text) => text.includes('\r\n')), /^HTTP\/1.1 405 /)
      connection.close()
    }
  })
})
