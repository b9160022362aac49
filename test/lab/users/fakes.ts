import { createSocket } from 'node:dgram'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { UsersJob } from '../../../src/lab/users/job.ts'
import { checkMix, type MixInput } from '../../../src/lab/users/plan/mix.ts'

/** A web server on loopback that counts connections and records requests. */
export async function fakeSite(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
  address = '127.0.0.1',
  port = 0,
) {
  const asked: {
    method: string
    path: string
    cookie: string | undefined
    from: string
    body: string
    host: string
    atMs: number
  }[] = []
  const sockets = new Set<Socket>()
  const connectionsFrom = new Map<string, number>()
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part
    })
    request.on('end', () => {
      asked.push({
        method: request.method!,
        path: request.url!,
        cookie: request.headers.cookie,
        from: request.socket.remoteAddress!,
        body,
        host: request.headers.host!,
        atMs: performance.now(),
      })
      answer(request, response, body)
    })
  })
  server.keepAliveTimeout = 60_000
  server.on('connection', (socket) => {
    sockets.add(socket)
    const from = socket.remoteAddress!
    connectionsFrom.set(from, (connectionsFrom.get(from) ?? 0) + 1)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, address, resolve))
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  t.after(close)
  return { address, port: (server.address() as AddressInfo).port, asked, connectionsFrom, close }
}

type Said = { addresses: string[]; ttlSeconds: number; code?: number } | undefined

/** A name server on loopback that gives preset answers with an ECS scope, and records queries. */
export async function fakeNames(
  t: TestContext,
  say: (subnet: string | undefined) => Said,
  address = '127.0.0.1',
  port = 0,
) {
  const asked: { subnet: string | undefined; from: string; atMs: number }[] = []
  const socket = createSocket('udp4')
  socket.on('message', (question, from) => {
    const subnet = subnetIn(question)
    asked.push({ subnet, from: from.address, atMs: performance.now() })
    const said = say(subnet)
    if (said) socket.send(reply(question, said), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(port, address, resolve))
  t.after(() => socket.close())
  return { address, port: socket.address().port, asked }
}

function questionEnd(message: Buffer): number {
  let at = 12
  while (message[at] !== 0) at += message[at]! + 1
  return at + 5
}

function subnetIn(message: Buffer): string | undefined {
  const option = message.subarray(questionEnd(message) + 11)
  if (option.length < 8) return undefined
  const address = [...option.subarray(8), 0, 0, 0, 0].slice(0, 4).join('.')
  return `${address}/${option[6]}`
}

function reply(question: Buffer, { addresses, ttlSeconds, code = 0 }: NonNullable<Said>): Buffer {
  const end = questionEnd(question)
  const head = Buffer.from(question.subarray(0, end))
  head.writeUInt16BE(0x8400 | code, 2)
  head.writeUInt16BE(addresses.length, 6)
  head.writeUInt16BE(0, 10)
  const records = addresses.map((address) => {
    const record = Buffer.alloc(16)
    record.writeUInt16BE(0xc00c, 0)
    record.writeUInt16BE(1, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt32BE(ttlSeconds, 6)
    record.writeUInt16BE(4, 10)
    record.set(address.split('.').map(Number), 12)
    return record
  })
  return Buffer.concat([head, ...records])
}

export const pages = (input: Partial<MixInput> = {}) =>
  checkMix(
    { steps: 5, think: '20ms-60ms', assets: false, requests: { page: { get: '/' } }, ...input },
    'test',
  )

/**
 * A job against fakes: one place, everything on loopback. Three tries per DNS query and long timeouts, so that a slow
 * machine causes no failure.
 */
export function jobFor(
  site: { address: string; port: number },
  names: { address: string; port: number },
  changes: Partial<UsersJob> & { ratePerSecond?: number; forMs?: number; seed?: number } = {},
): UsersJob {
  const { ratePerSecond = 100, forMs = 1000, seed = 1, ...rest } = changes
  return {
    world: 'test',
    asked: { ratePerSecond, forMs, seed, mix: 'test', places: 'here' },
    mix: pages(),
    domain: 'shop.example.com',
    httpPort: site.port,
    slo: { latencyMs: 100, share: 0.95 },
    regions: [{ name: 'here', address: site.address, location: { lat: 0, lon: 0 } }],
    servers: [names],
    places: [
      {
        name: 'Here, XX',
        area: 'Here',
        location: { lat: 1, lon: 1 },
        weight: 1,
        network: undefined,
        subnets: ['9.9.9.0/24'],
        servers: [0, 0, 0],
      },
    ],
    distances: false,
    prefix: 'u1-test',
    answerTimeoutMs: 60_000,
    ...rest,
  }
}
