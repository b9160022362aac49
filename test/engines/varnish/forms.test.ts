import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import type { Reply } from '../../support/requests.ts'
import { twoRegions } from '../../support/topologies.ts'

/** Requests and responses in forms that HAProxy and apps can handle, and Varnish cannot. */
describe('cached paths accept what other paths accept', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      varnish: true,
      changes: { app: { static: ['/static/*'] } },
    })
  })
  after(() => world?.stop())

  let count = 0
  const asked: IncomingMessage[] = []
  const answer = (respond: (request: IncomingMessage, response: ServerResponse) => void) => {
    for (const app of world.at('us-east').apps)
      app.handle = (request, response) => {
        asked.push(request)
        respond(request, response)
      }
  }
  beforeEach(() => {
    asked.length = 0
  })

  const ask = (path: string, headers: Record<string, string | string[]> = {}) =>
    world.at('us-east').ask(path, { headers })

  /** A static path, and a page whose first response allowed shared caching. */
  const paths = async (): Promise<string[]> => {
    const page = `/page-${++count}`
    answer((_, response) => {
      response.setHeader('cache-control', 'max-age=600')
      response.end('learned')
    })
    await ask(page)
    asked.length = 0
    return [`/static/${count}`, page]
  }

  /** Asks three times: a miss, what would be a hit, and one more. */
  async function thrice(
    respond: (request: IncomingMessage, response: ServerResponse) => void,
    expect: (reply: Reply) => void,
    headers: Record<string, string | string[]> = {},
  ) {
    for (const path of await paths()) {
      answer((request, response) => {
        response.setHeader('cache-control', 'max-age=600')
        respond(request, response)
      })
      for (let n = 0; n < 3; n++) {
        const reply = await ask(path, headers)
        assert.equal(reply.status, 200, path)
        expect(reply)
      }
    }
  }

  const long = 'x'.repeat(12_000)
  const many = (prefix: string) =>
    Object.fromEntries(Array.from({ length: 80 }, (_, n) => [`${prefix}-${n}`, String(n)]))

  test('103 Early Hints', async () => {
    await thrice(
      (_, response) => {
        response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
        response.end('hinted')
      },
      ({ body }) => assert.equal(body, 'hinted'),
    )
  })

  test('102 Processing, several times', async () => {
    await thrice(
      (_, response) => {
        response.writeProcessing()
        response.writeProcessing()
        response.end('processed')
      },
      ({ body }) => assert.equal(body, 'processed'),
    )
  })

  test('a response header line of 12 kB', async () => {
    await thrice(
      (_, response) => {
        response.setHeader('content-security-policy', long)
        response.end('long')
      },
      ({ headers }) => assert.equal(headers['content-security-policy'], long),
    )
  })

  test('80 response headers', async () => {
    await thrice(
      (_, response) => {
        for (const [name, value] of Object.entries(many('x-many'))) response.setHeader(name, value)
        response.end('many')
      },
      ({ headers }) => assert.equal(headers['x-many-79'], '79'),
    )
  })

  test('80 request headers', async () => {
    await thrice(
      (_, response) => response.end('many'),
      () => undefined,
      many('x-mine'),
    )
    assert.equal(asked[0]!.headers['x-mine-79'], '79')
  })

  test('a request header line of 12 kB', async () => {
    await thrice(
      (_, response) => response.end('ok'),
      () => undefined,
      { referer: `http://a/${long}` },
    )
    assert.equal(asked[0]!.headers.referer, `http://a/${long}`)
  })

  test('a URL of 12 kB', async () => {
    for (const path of await paths()) {
      answer((_, response) => {
        response.setHeader('cache-control', 'max-age=600')
        response.end('long url')
      })
      for (let n = 0; n < 3; n++) assert.equal((await ask(`${path}?q=${long}`)).body, 'long url')
    }
  })

  test('response trailers', async () => {
    const body = 'b'.repeat(300_000)
    await thrice(
      (_, response) => {
        response.setHeader('content-type', 'text/plain')
        response.setHeader('trailer', 'x-checksum')
        response.write(body)
        response.addTrailers({ 'x-checksum': '1' })
        response.end()
      },
      (reply) => assert.equal(reply.body.length, body.length),
    )
  })

  test('a body of unknown length, text or not', async () => {
    for (const type of ['text/html', 'application/octet-stream', 'application/pdf'])
      await thrice(
        (_, response) => {
          response.setHeader('content-type', type)
          response.write('a'.repeat(200_000))
          response.end('z')
        },
        ({ body }) => assert.equal(body.length, 200_001),
      )
  })

  test('server-sent events arrive at once', async () => {
    for (const path of await paths()) {
      answer((_, response) => {
        response.setHeader('content-type', 'text/event-stream')
        response.setHeader('cache-control', 'max-age=600')
        response.write('data: 1\n\n')
      })
      for (let n = 0; n < 2; n++) {
        const raw = world.at('us-east').raw(`GET ${path} HTTP/1.1\r\nhost: shop.example\r\n\r\n`)
        await raw.wait('the first event', (text) => text.includes('data: 1'))
        raw.close()
      }
    }
  })

  test('an upgrade to WebSocket', async () => {
    for (const app of world.at('us-east').apps)
      app.upgrade = (_, socket) =>
        socket.end(
          'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello',
        )
    for (const path of await paths()) {
      answer((_, response) => {
        response.setHeader('cache-control', 'max-age=600')
        response.end('page')
      })
      for (let n = 0; n < 2; n++) assert.equal((await ask(path)).body, 'page')
      const raw = world
        .at('us-east')
        .raw(
          `GET ${path} HTTP/1.1\r\nhost: shop.example\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
        )
      assert.match(await raw.wait('the greeting', (text) => text.includes('hello')), /^HTTP\/1.1 101 /)
      raw.close()
    }
  })

  test('a GET with a body, which reaches the app, and whose answer is kept for nobody', async () => {
    for (const path of await paths()) {
      answer((request, response) => {
        response.setHeader('cache-control', 'max-age=600')
        let body = ''
        request.on('data', (part) => {
          body += part
        })
        request.on('end', () => response.end(`got ${body}`))
      })
      const edge = world.at('us-east')
      for (const body of ['one', 'two', [Buffer.from('three')]]) {
        const reply = await edge.ask(path, { method: 'GET', body })
        assert.equal(reply.body, `got ${body}`)
      }
      assert.equal((await ask(path)).body, 'got ')
    }
  })

  test('one host’s page teaches nothing about another’s', async () => {
    const [, page = ''] = await paths()
    answer((request, response) => {
      response.setHeader('cache-control', 'max-age=600')
      response.end(request.headers.host)
    })
    const hosts = ['a.example', 'b.example']
    for (const host of hosts) {
      const reply = await ask(page, { host })
      assert.deepEqual([reply.body, reply.headers['cache-status']], [host, undefined])
    }
    for (const host of hosts) {
      await ask(page, { host })
      const reply = await ask(page, { host })
      assert.deepEqual([reply.body, /; hit/.test(String(reply.headers['cache-status']))], [host, true])
    }
  })

  test('an app that breaks the response off is not asked again and again, and the cache keeps nothing', async () => {
    const [path = ''] = await paths()
    answer((_, response) => {
      response.setHeader('cache-control', 'max-age=600')
      response.setHeader('content-length', 1000)
      response.write('partial')
      setTimeout(() => response.destroy(), 20)
    })
    await assert.rejects(ask(path))
    assert.ok(asked.length <= 2, `${asked.length} requests`)
    answer((_, response) => {
      response.setHeader('cache-control', 'max-age=600')
      response.end('whole')
    })
    assert.equal((await ask(path)).body, 'whole')
  })
})
