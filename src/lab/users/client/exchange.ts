import { type Agent, type IncomingHttpHeaders, request } from 'node:http'
import type { Stops } from './stops.ts'

type Ask = {
  agent: Agent
  address: string
  port: number
  /** The site's name, for the `host` header. */
  host: string
  method: string
  path: string
  headers: Readonly<Record<string, string>>
  body: string | undefined
  /** How long the user waits for the complete answer. */
  answerTimeoutMs: number
  stops: Stops
}

export type Answer = {
  status: number
  headers: IncomingHttpHeaders
  /** Empty unless it is HTML. */
  html: Buffer
}

/** A failure from a user's perspective. */
type Failure =
  /** No process listens there. */
  | 'connection refused'
  /** The network reports no route. */
  | 'unreachable'
  | 'connection reset'
  /** No complete answer within the user's timeout. */
  | 'timed out'
  | 'answer cut short'
  /** No more sockets or ports on this machine; unrelated to the world. */
  | 'own limit'
  /** The run was stopped. */
  | 'stopped'
  | 'other'

export type Exchange = (
  | { answer: Answer }
  | {
      failure: Failure
      detail: string
      connected: boolean
      /** A kept-alive connection turned out to be closed before any answer. */
      stale: boolean
    }
) & {
  /** Time to connect; 0 on a kept-alive connection. */
  connectMs: number
}

const failures: Record<string, Failure> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ETIMEDOUT: 'timed out',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  EADDRNOTAVAIL: 'own limit',
  EMFILE: 'own limit',
  ENFILE: 'own limit',
  ENOBUFS: 'own limit',
  ENOMEM: 'own limit',
}

/**
 * One request with its complete answer, on a free kept-alive connection if possible. Never rejects.
 *
 * Not built on `src/lib/http.ts`, because the call itself is what is measured here: whether it went over one of the
 * user's own kept connections, whether that one was stale, how long connecting took, and whether the answer was cut
 * short after it had begun. Each user has its own pool of connections, and bodies that are not HTML are not kept.
 */
export function exchange(ask: Ask): Promise<Exchange> {
  const { agent, address, port, method, path, body, answerTimeoutMs, stops } = ask
  return new Promise((resolve) => {
    const begunMs = performance.now()
    let connectMs = 0
    let connected = false
    // Node's own `reusedSocket` misses requests that waited for a free connection.
    let isKept = false
    let answered = false
    let stopped: Failure | undefined
    const headers: Record<string, string | number> = { ...ask.headers, host: ask.host }
    if (body !== undefined) headers['content-length'] = Buffer.byteLength(body)
    const call = request({ agent, host: address, port, method, path, headers })

    const finish = (how: { answer: Answer } | { failure: Failure; detail: string }) => {
      clearTimeout(patience)
      stops.delete(stop)
      const stale = 'failure' in how && how.failure === 'connection reset' && isKept && !answered
      resolve('answer' in how ? { ...how, connectMs } : { ...how, connected, stale, connectMs })
    }
    const broken = (): Failure => (answered ? 'answer cut short' : 'connection reset')
    const giveUp = (failure: Failure) => {
      stopped ??= failure
      call.destroy()
    }
    const stop = () => giveUp('stopped')
    const patience = setTimeout(giveUp, answerTimeoutMs, 'timed out' satisfies Failure)
    stops.add(stop)

    call.once('socket', (socket) => {
      isKept = !socket.connecting
      if (isKept) {
        connected = true
        return
      }
      socket.once('connect', () => {
        connected = true
        connectMs = performance.now() - begunMs
      })
    })
    call.on('response', (response) => {
      answered = true
      const isHtml = response.headers['content-type']?.startsWith('text/html') ?? false
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => void (isHtml && parts.push(part)))
      response.on('end', () => {
        if (!response.complete) return
        finish({
          answer: { status: response.statusCode!, headers: response.headers, html: Buffer.concat(parts) },
        })
      })
      response.on('error', (error) =>
        finish({ failure: stopped ?? 'answer cut short', detail: error.message }),
      )
      response.on(
        'close',
        () => void (response.complete || finish({ failure: stopped ?? 'answer cut short', detail: '' })),
      )
    })
    call.on('error', (error: NodeJS.ErrnoException) => {
      finish({
        failure: stopped ?? (answered ? 'answer cut short' : (failures[error.code ?? ''] ?? 'other')),
        detail: error.code ?? error.message,
      })
    })
    call.on('close', () => finish({ failure: stopped ?? broken(), detail: 'closed' }))
    call.end(body)
    if (stops.stopped) stop()
  })
}
