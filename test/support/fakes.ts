import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { listening } from './net.ts'

/** Fakes of the servers around an edge. The edge itself is real in every test that uses them. */

type Closable = { start(): Promise<void>; stop(): Promise<void> }

function closable(make: () => Server, host: string, port: number): Closable {
  let server: Server | undefined
  let sockets = new Set<Socket>()
  return {
    async start() {
      const mine = new Set<Socket>()
      sockets = mine
      server = make()
      server.on('connection', (socket: Socket) => {
        mine.add(socket)
        socket.on('error', () => {})
        socket.once('close', () => mine.delete(socket))
      })
      await listening(server, host, port)
    },
    /** Behaves like a killed process: the port refuses connections, and open ones are reset. */
    async stop() {
      const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()))
      for (const socket of sockets) {
        // A socket that is closing cannot be reset: libuv refuses, and Node would wait for it forever on exit.
        if (socket.writableEnded) socket.destroy()
        else socket.resetAndDestroy()
      }
      await closed
      server = undefined
    },
  }
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

export type FakeApp = Closable & {
  name: string
  /** The answer to /healthz. */
  healthy: boolean
  /** Requests except those for /healthz, as `GET /path`. */
  requests: string[]
  handle: Handler
  /** For `Upgrade` requests. */
  upgrade: (request: IncomingMessage, socket: Socket) => void
}

/** An ordinary web server. By default, it echoes the request as JSON. */
export function fakeApp(name: string, host: string, port: number): FakeApp {
  const server = () => {
    const http = createHttpServer((request, response) => {
      if (request.url === '/healthz') {
        response.statusCode = app.healthy ? 200 : 503
        response.end()
        return
      }
      app.requests.push(`${request.method} ${request.url}`)
      void app.handle(request, response)
    })
    http.on('upgrade', (request, socket) => app.upgrade(request, socket as Socket))
    return http
  }
  const app: FakeApp = {
    ...closable(server, host, port),
    name,
    healthy: true,
    requests: [],
    handle: echo(name),
    upgrade: (_, socket) => socket.destroy(),
  }
  return app
}

export type Echo = {
  name: string
  method: string
  url: string
  headers: Record<string, string>
  /** Raw headers: names and values alternate. */
  rawHeaders: string[]
  trailers: Record<string, string>
  body: string
}

export function echo(name: string): Handler {
  return async (request, response) => {
    const parts: Buffer[] = []
    try {
      for await (const part of request) parts.push(part)
    } catch {
      return
    }
    const { method, url, headers, rawHeaders, trailers } = request
    const body = Buffer.concat(parts).toString('latin1')
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ name, method, url, headers, rawHeaders, trailers, body }))
  }
}

export type FakePatroni = Closable & {
  role: 'primary' | 'replica'
  /** Whether the replica fails a check with `?lag=`. */
  lagging: boolean
}

/** The part of Patroni's REST API that HAProxy uses: status codes of health checks, and the strings that it matches. */
export function fakePatroni(host: string, port: number): FakePatroni {
  const server = () =>
    createHttpServer((request, response) => {
      const path = request.url?.split('?')[0]
      const primary = patroni.role === 'primary'
      const replica = !primary && !patroni.lagging
      const yes: Record<string, boolean> = {
        '/primary': primary,
        '/replica': replica,
        '/read-only': primary || replica,
      }
      response.statusCode = yes[path ?? ''] ? 200 : 503
      response.end(`{"state": "running", "role": "${patroni.role}"}`)
    })
  const patroni: FakePatroni = { ...closable(server, host, port), role: 'replica', lagging: false }
  return patroni
}

export type FakeDatabase = Closable & { connections: number }

/** Sends its name to each new connection and then echoes. Replaces PostgreSQL behind the TCP endpoints. */
export function fakeDatabase(name: string, host: string, port: number): FakeDatabase {
  const server = () =>
    createServer((socket) => {
      database.connections++
      socket.once('close', () => database.connections--)
      socket.write(`${name}\n`)
      socket.pipe(socket)
    })
  const database: FakeDatabase = { ...closable(server, host, port), connections: 0 }
  return database
}
