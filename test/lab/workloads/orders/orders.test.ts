/** The orders workload on two shops, one of which reads from a standby. Real shops and databases, no edges. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer, request } from 'node:http'
import { after, before, test } from 'node:test'
import { check, type Promises, verdictLines, verdictOf } from '../../../../src/lab/checker/index.ts'
import { clockMs, newHeader, Recorder } from '../../../../src/lab/history.ts'
import { ordersWorkload } from '../../../../src/lab/workloads/orders/orders.ts'
import { runProgram, shopFolder } from '../../../examples/shop/support.ts'
import { freeEndpoint, until } from '../../../support/sandboxed.ts'
import { startTwoDatabases, type TwoDatabases } from '../../../support/two-databases.ts'

let databases: TwoDatabases
const cleanUps: (() => unknown)[] = []

before(async () => {
  databases = await startTwoDatabases()
  cleanUps.push(() => databases.stop())
  const { regions, topology } = databases.world
  for (const { name, address, full } of regions) {
    if (!full) continue
    const database = (port: number) => `postgres://shop@${address}:${port}/shop`
    const env = { DATABASE_URL: database(6432), DATABASE_READ_URL: database(6433), NEARSIDE_REGION: name }
    if (name === 'us-east') {
      const { status, output } = await runProgram('seed.ts', env)
      assert.equal(status, 0, output)
    }
    const shop = await startShop(env)
    await startEdge({ host: address, port: topology.ports.http }, name, shop)
  }
})
after(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})

async function startShop(env: NodeJS.ProcessEnv): Promise<{ host: string; port: number }> {
  const { host, port } = await freeEndpoint()
  const child = spawn(process.execPath, ['server.ts'], {
    cwd: shopFolder,
    env: { ...env, PATH: process.env.PATH, HOST: host, PORT: String(port) },
  })
  cleanUps.push(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text))
  await until('a shop to listen', () => output.includes('listening'))
  return { host, port }
}

/** Only adds the header with the answering region, like an edge. */
async function startEdge(at: { host: string; port: number }, region: string, shop: typeof at): Promise<void> {
  const edge = createServer((from, to) => {
    const onward = request(
      { ...shop, method: from.method!, path: from.url!, headers: from.headers },
      (answer) => {
        to.writeHead(answer.statusCode!, { ...answer.headers, 'nearside-region': region })
        answer.pipe(to)
      },
    )
    onward.on('error', () => to.destroy())
    from.pipe(onward)
  })
  await new Promise<void>((resolve) => edge.listen(at.port, at.host, resolve))
  cleanUps.push(() => {
    edge.close()
    edge.closeAllConnections()
  })
}

test('orders are placed, read and compared with every shop’s state; a lagging replica is detected', async () => {
  const promises: Promises = { durability: 'region', readYourWrites: false, monotonicReads: false }
  const workload = ordersWorkload(databases.world, { writesPerSecond: 20, readsPerSecond: 30, seed: 1 })
  const recorder = new Recorder(newHeader('two shops'))
  const load = new AbortController()
  const orders = (count: number) => {
    const sinceMs = clockMs()
    return until(`${count} orders at each edge`, () =>
      ['us-east', 'us-west'].every(
        (edge) =>
          recorder.ops.filter(
            (op) => op.kind === 'order' && op.outcome === 'ok' && op.edge === edge && op.invokedMs > sinceMs,
          ).length >= count,
      ),
    )
  }
  await workload.prepare()
  const running = workload.run(load.signal, recorder.record)
  try {
    await orders(20)
    await databases.standby.query('SELECT pg_wal_replay_pause()')
    await orders(40)
    await databases.standby.query('SELECT pg_wal_replay_resume()')
    await orders(10)
  } finally {
    load.abort()
    await running
  }
  const [history, final] = [recorder.history(), await workload.final()]
  await workload.cleanUp()

  const guarantees = check(history, final, promises)
  const lines = verdictLines(guarantees).join('\n')
  const broken = guarantees.filter((one) => verdictOf(one) === 'broken')
  assert.deepEqual(broken, [], lines)
  assert.equal(verdictOf(guarantees.find(({ id }) => id === 'no-lost-writes')!), 'held', lines)
  const own = guarantees.find(({ id }) => id === 'read-your-writes')!
  assert.ok(own.violations.length > 0, lines)
  // Only customers at the edge with the lagging replica saw it.
  const edges = own.violations.map(({ ops }) => history.ops.find(({ id }) => id === ops[1])!.edge)
  assert.deepEqual(new Set(edges), new Set(['us-west']))
  assert.deepEqual(
    final.views.map(({ region, source, orders }) => [region, source, orders!.length >= 140]),
    [
      ['us-east', 'primary', true],
      ['us-east', 'replica', true],
      ['us-west', 'replica', true],
    ],
  )
  // Excludes the shop's older orders.
  assert.ok(final.views[0]!.orders!.every(([reference]) => reference.startsWith('drill-')))
})

test('another app than the shop is refused', async () => {
  const host = '127.128.0.1'
  const other = createServer((_, response) => response.end('hello')).listen(8080, host)
  cleanUps.push(() => other.close())
  const regions = databases.world.regions.map((region) => ({ ...region, address: host }))
  const workload = ordersWorkload(
    { ...databases.world, regions },
    { writesPerSecond: 1, readsPerSecond: 1, seed: 1 },
  )
  await assert.rejects(workload.prepare(), { code: 'workload_no_shop' })
  await workload.cleanUp()
})
