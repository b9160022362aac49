import { type IncomingHttpHeaders, request } from 'node:http'

export type Answer = { status: number; headers: IncomingHttpHeaders; body: string }

type Question = {
  host: string
  port: number
  path: string
  headers?: { [name: string]: string }
  /** Makes it a POST. */
  body?: string
  patienceMs: number
}

/** No answer came. `sent` is false when there never was a connection, so that nothing can have arrived. */
export class Unanswered extends Error {
  readonly sent: boolean

  constructor(why: string, sent: boolean) {
    super(why)
    this.name = 'Unanswered'
    this.sent = sent
  }
}

/** Much more than any answer of the shop; nothing may fill our memory. */
const longestAnswerBytes = 16 * 1024 * 1024

/** One request on a connection of its own: nothing that an earlier request met can disturb it. */
export function ask({ host, port, path, headers, body, patienceMs }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let connected = false
    const fail = (error: NodeJS.ErrnoException) =>
      reject(new Unanswered(error.code ?? error.message, connected))
    const sent = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const method = body === undefined ? 'GET' : 'POST'
    const call = request(
      { host, port, method, path, agent: false, headers: { ...headers, ...sent } },
      (response) => {
        const parts: Buffer[] = []
        let lengthBytes = 0
        response.on('data', (part: Buffer) => {
          parts.push(part)
          lengthBytes += part.length
          if (lengthBytes > longestAnswerBytes) call.destroy(new Error('the answer is too long'))
        })
        response.on('error', fail)
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(parts).toString('utf8'),
          }),
        )
      },
    )
    const timer = setTimeout(() => call.destroy(new Error(`no answer in ${patienceMs} ms`)), patienceMs)
    call.on('socket', (socket) => socket.once('connect', () => (connected = true)))
    call.on('error', fail)
    call.on('close', () => clearTimeout(timer))
    call.end(body)
  })
}
