import {
  type ClientRequest,
  globalAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http'
import { NearsideError } from './errors.ts'

/**
 * The HTTP client for all internal calls: agents, Patroni, etcd, edges, probes, the shop's orders. Simulated users have
 * a separate one; see `src/lab/users/client/exchange.ts` for the reason.
 */
export type HttpQuestion = {
  host: string
  port: number
  path: string
  /** Limit for the whole call, from connecting to the last byte of the response. */
  timeoutMs: number
  /** GET by default. */
  method?: 'GET' | 'POST' | 'PATCH'
  headers?: Readonly<Record<string, string>>
  body?: string
  /** The body, sent as JSON. */
  json?: unknown
  /** Source address. Some ports accept only addresses of the world's regions. */
  from?: string
  /** Aborts the call. */
  signal?: AbortSignal
  /** Reuses connections of earlier calls. Without it, earlier calls cannot affect this one. */
  keepAlive?: boolean
  /** A larger response fails the call. */
  maxBytes?: number
}

export type HttpAnswer = { status: number; headers: IncomingHttpHeaders; body: string }

type HttpErrorCode =
  /** Connection refused or host unreachable: nothing was sent. */
  | 'http_refused'
  | 'http_timeout'
  /** Aborted by the caller's signal. */
  | 'http_aborted'
  | 'http_too_large'
  /** The connection broke. Also covers every other failure. */
  | 'http_broken'

/** No complete response. */
export class HttpError extends NearsideError {
  declare readonly code: HttpErrorCode
  /** The system's error code (`ECONNRESET`) or a description, without the address. */
  readonly reason: string
  /** False if no connection was established, so the peer received nothing. */
  readonly sent: boolean

  constructor(code: HttpErrorCode, where: string, { reason, sent, cause }: HttpFailure) {
    super(code, `${where}: ${reason}`, { cause })
    this.reason = reason
    this.sent = sent
  }
}

type HttpFailure = { reason: string; sent: boolean; cause?: unknown }

/** Larger than any expected response; bounds memory. */
const defaultMaxBytes = 64 * 1024 * 1024

const refusals = new Set<string | undefined>(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'])

/** Resolves to the complete response, whatever its status. Rejects with `HttpError` if there is none. */
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

/** The same, but resolves to undefined if there is no complete response. */
const askHttp = (question: HttpQuestion): Promise<HttpAnswer | undefined> =>
  unlessUnanswered(callHttp(question))

/** Resolves to the status without waiting for the body. Rejects with `HttpError` if none arrives in time. */
export const responseStatus = (question: HttpQuestion): Promise<number> =>
  send(question, (response, resolve) => {
    resolve(response.statusCode ?? 0)
    response.destroy()
  })

/** The same, but resolves to undefined if none arrives in time. */
export const httpStatus = (question: HttpQuestion): Promise<number | undefined> =>
  unlessUnanswered(responseStatus(question))

/** Resolves to the parsed JSON, whatever the status, or to undefined if there is no valid JSON. */
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

/** The `authorization` header for a user and a password. */
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

/** `read` receives the response head and resolves once it has read enough. */
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
    const abort = () => fail('http_aborted', 'the call was aborted')
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

/** The only place that opens connections. TLS with client certificates would belong here. */
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
