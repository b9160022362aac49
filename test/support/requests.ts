import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'

export type Reply = {
  status: number
  headers: IncomingHttpHeaders
  body: string
  json<T>(): T
}

export type Ask = Omit<RequestOptions, 'host' | 'port' | 'path'> & {
  /** An array is sent with chunked encoding. */
  body?: string | Buffer | readonly Buffer[]
}

/** Sends one request, on a new connection unless an `agent` is given. Rejects without a complete response. */
export function ask(
  host: string,
  port: number,
  path: string,
  { body, ...options }: Ask = {},
): Promise<Reply> {
  // Node would send the body of a DELETE without a length.
  const framing =
    body === undefined
      ? {}
      : Array.isArray(body)
        ? { 'transfer-encoding': 'chunked' }
        : { 'content-length': String(Buffer.byteLength(body as string | Buffer)) }
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { agent: false, ...options, headers: { ...framing, ...options.headers }, host, port, path },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.once('error', reject)
        response.once('end', () => {
          const text = Buffer.concat(parts).toString()
          const { statusCode = 0, headers } = response
          resolve({ status: statusCode, headers, body: text, json: () => JSON.parse(text) })
        })
      },
    )
    request.once('error', reject)
    request.once('timeout', () => request.destroy(new Error(`${path}: nothing for ${options.timeout} ms`)))
    if (Array.isArray(body)) Readable.from(body).pipe(request)
    else request.end(body)
  })
}

/** Sends raw bytes, for requests that no client library would send. */
export type RawConnection = {
  socket: Socket
  received(): string
  /** Resolves once the received text satisfies the condition, or the peer has closed. */
  wait(what: string, condition: (text: string) => boolean): Promise<string>
  closed(): Promise<string>
  close(): void
}

export function rawConnection(host: string, port: number, send = '', localAddress?: string): RawConnection {
  const socket = connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) })
  let text = ''
  let over = false
  const watchers = new Set<() => void>()
  const wake = () => {
    for (const watcher of [...watchers]) watcher()
  }
  socket.setEncoding('latin1')
  socket.on('data', (part: string) => {
    text += part
    wake()
  })
  socket.on('error', () => {})
  socket.once('close', () => {
    over = true
    wake()
  })
  if (send !== '') socket.write(send, 'latin1')
  const watch = (what: string, done: () => boolean) =>
    new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => {
        watchers.delete(look)
        reject(new Error(`timed out waiting for ${what}; received so far: ${text}`))
      }, 30_000)
      const look = () => {
        if (!done()) return
        clearTimeout(timer)
        watchers.delete(look)
        resolve(text)
      }
      watchers.add(look)
      look()
    })
  return {
    socket,
    received: () => text,
    wait: (what, condition) => watch(what, () => condition(text)),
    closed: () => watch('the end of the connection', () => over),
    close: () => socket.destroy(),
  }
}
