/** The shop as a process, from its supervisor's view. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { freeEndpoint, until } from '../../support/sandboxed.ts'
import { runProgram, shopFolder } from './support.ts'

let postgres: TestPostgres

before(async () => {
  postgres = await startPostgres()
  const { status, output } = await runProgram('seed.ts', { DATABASE_URL: postgres.url })
  assert.equal(status, 0, output)
})
after(() => postgres?.stop())

type Server = { url: string; process: ChildProcess; output(): string; exited: Promise<number | null> }

async function startServer(): Promise<Server> {
  const { host, port } = await freeEndpoint()
  const env = { PATH: process.env.PATH, HOST: host, PORT: String(port), DATABASE_URL: postgres.url }
  const child = spawn(process.execPath, ['server.ts'], { cwd: shopFolder, env })
  after(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  await until('the server to listen', () => output.includes('listening') || child.exitCode !== null)
  return { url: `http://${host}:${port}`, process: child, output: () => output, exited }
}

test('it logs one line when it listens and nothing while it serves', async () => {
  const server = await startServer()
  for (const path of ['/', '/products/1', '/healthz', '/nowhere'])
    await (await fetch(server.url + path)).text()
  assert.equal(server.output(), `shop: listening on ${server.url} in local\n`)
  server.process.kill('SIGTERM')
  assert.equal(await server.exited, 0)
})

test('the process survives the loss and return of its database', async () => {
  const server = await startServer()
  assert.equal((await fetch(`${server.url}/`)).status, 200)
  await postgres.kill()
  await until('the health check to notice', async () => (await fetch(`${server.url}/healthz`)).status === 503)
  await postgres.restart()
  await until(
    'the health check to recover',
    async () => (await fetch(`${server.url}/healthz`)).status === 200,
  )
  assert.equal((await fetch(`${server.url}/`)).status, 200)
  server.process.kill('SIGTERM')
  assert.equal(await server.exited, 0)
})

test('on SIGTERM, it accepts no more requests, finishes those in flight, ends event streams and exits', async () => {
  const server = await startServer()
  // Keeps its connection open until the server closes it, like proxies.
  const agent = new Agent({ keepAlive: true })
  const events = await new Promise<IncomingMessage>((resolve) =>
    get(`${server.url}/events`, { agent }, resolve),
  )
  // An order that cannot finish until the lock is released.
  const lock = postgres.query(
    'BEGIN; LOCK TABLE order_lines IN EXCLUSIVE MODE; SELECT pg_sleep(3600); COMMIT',
  )
  lock.catch(() => {})
  await until('the lock', async () => (await sleeping()).length === 1)
  const ordering = fetch(`${server.url}/orders`, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams({ 'product-1': '1' }),
  })
  await until('the order to wait', async () => (await postgres.query(blockedOrders)).length === 1)

  server.process.kill('SIGTERM')
  await events.toArray()
  await until('new connections to be refused', async () =>
    fetch(`${server.url}/`).then(
      () => false,
      () => true,
    ),
  )
  await postgres.query('SELECT pg_terminate_backend($1)', [(await sleeping())[0]!.pid])
  const response = await ordering
  assert.equal(response.status, 201)
  assert.equal(response.headers.get('connection'), 'close')
  assert.equal(await server.exited, 0)
})

const blockedOrders =
  "SELECT FROM pg_stat_activity WHERE application_name = 'shop' AND wait_event_type = 'Lock'"
const sleeping = () =>
  postgres.query<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'")

test('without its settings, it reports what is missing and exits', async () => {
  const { status, output } = await runProgram('server.ts', { PORT: 'x' })
  assert.equal(status, 2)
  assert.match(output, /^PORT: expected .*\nDATABASE_URL: missing/)
})

test('an address in use is reported clearly', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { status, output } = await runProgram('server.ts', { PORT: String(port), DATABASE_URL: postgres.url })
  other.close()
  assert.equal(status, 1)
  assert.match(output, /^shop: cannot listen on .*EADDRINUSE/)
})
