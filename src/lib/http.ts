import {
  type ClientRequest,
  globalAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http'
import { NearsideError } from './errors.ts'

/**
 * The HTTP client of all our own calls: agents, Patroni, etcd, edges, probes, the shop's orders. Simulated users have
 * one of their own (`src/lab/users/client/exchange.ts` says why).
 */
export type HttpQuestion = {
  host: string
  port: number
  path: string
  /** Bounds the whole call, from the connection to the last byte of the answer. */
  timeoutMs: number
  /** GET by default. */
  method?: 'GET' | 'POST' | 'PATCH'
  headers?: Readonly<Record<string, string>>
  body?: string
  /** The body, as JSON. */
  json?: unknown
  /** The address to ask from; some ports answer only the world's own regions. */
  from?: string
  /** Ends the call. */
  signal?: AbortSignal
  /** Uses connections that earlier calls have left open. Without it no earlier call can disturb this one. */
  keepAlive?: boolean
  /** Longest answer; a longer one fails. */
  maxBytes?: number
}

export type HttpAnswer = { status: number; headers: IncomingHttpHeaders; body: string }

type HttpErrorCode =
  /** Nobody listens there, or the network says that there is no way: nothing has been sent. */
  | 'http_refused'
  | 'http_timeout'
  /** By the caller's signal. */
  | 'http_aborted'
  | 'http_too_large'
  /** Broken off, or anything else. */
  | 'http_broken'

/** No whole answer. */
export class HttpError extends NearsideError {
  declare readonly code: HttpErrorCode
  /** The system's code (`ECONNRESET`) where there is one, else words; without the address. */
  readonly reason: string
  /** False when there never was a connection, so that nothing can have arrived. */
  readonly sent: boolean

  constructor(code: HttpErrorCode, where: string, { reason, sent, cause }: HttpFailure) {
    super(code, `${where}: ${reason}`, { cause })
    this.reason = reason
    this.sent = sent
  }
}

type HttpFailure = { reason: string; sent: boolean; cause?: unknown }

/** More than any of our parts answers; nothing may fill our memory. */
const defaultMaxBytes = 64 * 1024 * 1024

const refusals = new Set<string | undefined>(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'])

/** The whole answer, whatever its status; rejects with `HttpError` when there is none. */
export function callHttp(question: HttpQuestion): Promise<HttpAnswer> {
  const { maxBytes = defaultMaxBytes } = question
  return send(question, (response, resolve, fail) => {
    const parts: Buffer[] = []
    let lengthBytes = 0
    response.on('data', (part: Buffer) => {
      parts.push(part)
      lengthBytes += part.length
      if (lengthBytes > maxBytes) fail('http_too_large', `the answer is longer than ${maxBytes} bytes`)
    })
    response.on('end', () => {
      const body = Buffer.concat(parts).toString('utf8')
      if (response.complete) resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
    })
  })
}

/** The same; undefined when there is no whole answer. */
const askHttp = (question: HttpQuestion): Promise<HttpAnswer | undefined> =>
  unlessUnanswered(callHttp(question))

/** The status as soon as it is there, without waiting for the body; undefined when there is none in time. */
export const httpStatus = (question: HttpQuestion): Promise<number | undefined> =>
  unlessUnanswered(
    send(question, (response, resolve) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    }),
  )

/** The answer as JSON, whatever its status; undefined when there is none, or it is not JSON. */
export async function getJson<T>(question: HttpQuestion): Promise<T | undefined> {
  return parseJson<T>((await askHttp(question))?.body)
}

export function parseJson<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T)
  } catch {
    return undefined
  }
}

/** The `authorization` header of a name and a password. */
export const basicAuthorization = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

async function unlessUnanswered<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof HttpError) return undefined
    throw error
  }
}

type Fail = (code: HttpErrorCode, reason: string, cause?: unknown) => void

/** `read` gets the answer's head, and resolves when it has what it wants. */
function send<T>(
  question: HttpQuestion,
  read: (response: IncomingMessage, resolve: (value: T) => void, fail: Fail) => void,
): Promise<T> {
  const { host, port, timeoutMs, signal } = question
  const body = question.json === undefined ? question.body : JSON.stringify(question.json)
  return new Promise((resolve, reject) => {
    let sent = false
    const call = open(question, body)
    const unanswered: Fail = (code, reason, cause) =>
      reject(new HttpError(code, `${host}:${port}`, { reason, sent, cause }))
    const fail: Fail = (...failure) => {
      unanswered(...failure)
      call.destroy()
    }
    const broken = (error: NodeJS.ErrnoException) =>
      unanswered(
        refusals.has(error.code) ? 'http_refused' : 'http_broken',
        error.code ?? error.message,
        error,
      )
    const abort = () => fail('http_aborted', 'the call was given up')
    const timer = setTimeout(() => fail('http_timeout', `no answer in ${timeoutMs} ms`), timeoutMs)
    signal?.addEventListener('abort', abort, { once: true })
    call.on('socket', (socket) => {
      sent = !socket.connecting
      if (!sent) socket.once('connect', () => (sent = true))
    })
    call.on('response', (response) => {
      response.on('error', broken)
      read(response, resolve, fail)
    })
    call.on('error', broken)
    call.on('close', () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      unanswered('http_broken', 'the connection was closed')
    })
    call.end(body)
    if (signal?.aborted) abort()
  })
}

/** The one place that makes connections: TLS with client certificates belongs here. */
function open(
  { host, port, path, method = 'GET', headers, json, from, keepAlive }: HttpQuestion,
  body: string | undefined,
): ClientRequest {
  return request({
    host,
    port,
    path,
    method,
    headers: {
      ...headers,
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
    },
    localAddress: from,
    agent: keepAlive ? globalAgent : false,
  })
}
