import { get, request } from 'node:http'
import { NearsideError } from '../errors.ts'

/** One question to one member, over etcd's JSON gateway. */

export type Json = Record<string, unknown>

/** etcd answered and said no: `grpcCode` is the gRPC status (5 not found, 9 failed precondition, 16 unauthenticated …). */
export class EtcdRefusal extends NearsideError {
  readonly grpcCode: number
  constructor(path: string, grpcCode: number, message: string) {
    super('etcd_refused', `etcd ${path}: ${message}`)
    this.grpcCode = grpcCode
  }
}

/** Rejects with `EtcdRefusal` when it says no, and with the connection's own error when nobody knows what it did. */
export function post(
  endpoint: string,
  path: string,
  body: Json,
  timeoutMs: number,
  token?: string,
): Promise<Json> {
  const text = JSON.stringify(body)
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  }
  if (token) headers.authorization = token
  return new Promise((resolve, reject) => {
    const call = request(
      `${endpoint}${path}`,
      { method: 'POST', headers, timeout: timeoutMs },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          let answer: Json
          try {
            // A stream's first message (lease keep-alive) stands alone on the first line.
            answer = JSON.parse(Buffer.concat(parts).toString('utf8').split('\n')[0] || '{}')
          } catch {
            return reject(new NearsideError('etcd_garbled', `etcd ${path}: answer is not JSON`))
          }
          if (response.statusCode === 200 && !answer.error) return resolve(answer)
          reject(
            new EtcdRefusal(
              path,
              Number(answer.code ?? 2),
              String(answer.message ?? JSON.stringify(answer.error)),
            ),
          )
        })
      },
    )
    // `timeout` is about silence on the socket; the timer bounds the whole call.
    const timer = setTimeout(
      () => call.destroy(new Error(`no answer from ${endpoint} in ${timeoutMs} ms`)),
      timeoutMs,
    )
    call.on('close', () => clearTimeout(timer))
    call.on('error', reject)
    call.end(text)
  })
}

/** A member is well when it has a leader and could read what a majority agrees on. */
export function isWell(endpoint: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const call = get(`${endpoint}/health`, { agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    const timer = setTimeout(() => call.destroy(), timeoutMs)
    call.on('error', () => resolve(false))
    call.on('close', () => {
      clearTimeout(timer)
      resolve(false)
    })
  })
}
