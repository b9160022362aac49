import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import {
  basicAuthorization,
  callHttp,
  getJson,
  HttpError,
  type HttpQuestion,
  httpStatus,
} from '../../src/lib/http.ts'

describe('a call over HTTP', () => {
  const connections = new Set<number>()
  const server = createServer((request, response) => {
    connections.add(request.socket.remotePort!)
    const { url, method, headers } = request
    if (url === '/break') return void request.socket.destroy()
    if (url === '/silent') return
    if (url === '/half') {
      response.writeHead(200, { 'content-length': 10 }).write('half')
      return void setTimeout(() => request.socket.destroy(), 20)
    }
    if (url === '/head') return void response.writeHead(404).write('and no end')
    if (url === '/slow') {
      const timer = setInterval(() => response.write('.'), 10)
      return void response.on('close', () => clearInterval(timer))
    }
    if (url === '/long') return void response.end('x'.repeat(1000))
    if (url === '/text') return void response.writeHead(500).end('no JSON')
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts).toString()
      response.end(
        JSON.stringify({ method, body, type: headers['content-type'], who: headers.authorization }),
      )
    })
  })
  let place: Pick<HttpQuestion, 'host' | 'port' | 'timeoutMs'>
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    place = { host: '127.0.0.1', port: (server.address() as AddressInfo).port, timeoutMs: 5000 }
  })
  after(() => {
    server.close()
    server.closeAllConnections()
  })
  const call = (path: string, rest: Partial<HttpQuestion> = {}) => callHttp({ ...place, path, ...rest })

  test('sends text or JSON with its content type', async () => {
    assert.deepEqual(await getJson({ ...place, path: '/' }), { method: 'GET', body: '' })
    const text = await call('/', { method: 'POST', body: 'é' })
    assert.deepEqual(JSON.parse(text.body), { method: 'POST', body: 'é' })
    const json = await call('/', { method: 'PATCH', json: { a: 1 } })
    assert.deepEqual(JSON.parse(json.body), { method: 'PATCH', body: '{"a":1}', type: 'application/json' })
    const authorization = basicAuthorization('nearside', 'secret')
    const { who } = JSON.parse((await call('/', { headers: { authorization } })).body) as { who: string }
    assert.equal(who, 'Basic bmVhcnNpZGU6c2VjcmV0')
  })

  test('fails with a code that tells whether anything was sent', async () => {
    const fails = (path: string, rest: Partial<HttpQuestion>, code: string, sent: boolean) =>
      assert.rejects(call(path, rest), (error: HttpError) => {
        assert.ok(error instanceof HttpError)
        assert.deepEqual([error.code, error.sent], [code, sent])
        return true
      })
    await fails('/break', {}, 'http_broken', true)
    await fails('/half', {}, 'http_broken', true)
    await fails('/silent', { timeoutMs: 50 }, 'http_timeout', true)
    await fails('/', { port: 1 }, 'http_refused', false)
    await fails('/long', { maxBytes: 999 }, 'http_too_large', true)
    assert.equal((await call('/long', { maxBytes: 1000 })).body.length, 1000)
  })

  test('the message of a failure names the address, its reason does not', async () => {
    await assert.rejects(call('/silent', { timeoutMs: 50 }), { reason: 'no answer in 50 ms' })
    const refused = { reason: 'ECONNREFUSED', message: '127.0.0.1:1: ECONNREFUSED' }
    await assert.rejects(call('/', { port: 1 }), refused)
  })

  test('the timeout covers the whole call, including a body that trickles in', async () => {
    await assert.rejects(call('/slow', { timeoutMs: 100 }), { code: 'http_timeout' })
  })

  test('is aborted by its signal, even if that was aborted before the call', async () => {
    const controller = new AbortController()
    const asked = call('/silent', { signal: controller.signal })
    controller.abort()
    await assert.rejects(asked, { code: 'http_aborted' })
    await assert.rejects(call('/', { signal: controller.signal }), { code: 'http_aborted' })
  })

  test('opens its own connection unless keepAlive is set', async () => {
    const used = async (keepAlive: boolean) => {
      connections.clear()
      for (let i = 0; i < 3; i += 1) await call('/', { keepAlive })
      return connections.size
    }
    assert.equal(await used(false), 3)
    assert.equal(await used(true), 1)
  })

  test('httpStatus does not wait for the body', async () => {
    assert.equal(await httpStatus({ ...place, path: '/head' }), 404)
    assert.equal(await httpStatus({ ...place, path: '/silent', timeoutMs: 50 }), undefined)
  })

  test('getJson returns undefined without an answer or without JSON', async () => {
    assert.equal(await getJson({ ...place, path: '/break' }), undefined)
    assert.equal(await getJson({ ...place, path: '/text' }), undefined)
    assert.equal((await call('/text')).status, 500)
  })
})
