import { type IncomingHttpHeaders, request } from 'node:http'

export type Answer = { status: number; headers: IncomingHttpHeaders; body: string }

export type Question = {
  host: string
  port: number
  method?: string
  path: string
  headers?: Record<string, string>
  body?: string
  timeoutMs: number
}

/** Sends one request on a new connection, so that the fate of earlier requests cannot affect it. */
export function ask({
  host,
  port,
  method = 'GET',
  path,
  headers,
  body = '',
  timeoutMs,
}: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const call = request(
      { host, port, method, path, agent: false, headers: { ...headers, ...length } },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(parts).toString('utf8'),
          }),
        )
      },
    )
    const timer = setTimeout(() => call.destroy(new TimedOut(timeoutMs)), timeoutMs)
    call.on('error', reject)
    call.on('close', () => clearTimeout(timer))
    call.end(body)
  })
}

class TimedOut extends Error {
  readonly code = 'TIMED_OUT'
  constructor(timeoutMs: number) {
    super(`no answer in ${timeoutMs} ms`)
  }
}
