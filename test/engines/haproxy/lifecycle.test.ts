import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { identify } from '../../../src/lib/proc.ts'
import { askUnixSocket } from '../../../src/lib/unix-socket.ts'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import { until } from '../../support/sandboxed.ts'
import { twoRegions } from '../../support/topologies.ts'

describe('a running HAProxy', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east' })
  })
  after(() => world?.stop())

  test('exits as a whole when its worker is killed, so the supervisor notices', async () => {
    const edge = world.at('us-west')
    const pid = await edge.control.workerPid()
    process.kill(pid, 'SIGKILL')
    await until('the master to exit', () => edge.haproxy.running().hasExited())
    await edge.haproxy.start()
    await until('it to serve again', async () => (await edge.ask('/')).status === 200)
  })

  test('leaves no worker running when its master is killed, not even an old one with a session', async () => {
    const edge = world.at('us-west')
    const session = edge.raw('', world.topology.ports.databaseWrite)
    await session.wait('a name', (text) => text !== '')
    const workers = [await edge.control.workerPid()]
    assert.equal(await edge.haproxy.reload(), undefined)
    workers.push(await edge.control.workerPid())
    const alive = () => workers.filter((pid) => identify(pid) !== undefined)
    assert.deepEqual(alive(), workers)
    await edge.haproxy.kill('SIGKILL')
    await until('the workers to exit', () => alive().length === 0)
    await edge.haproxy.start()
    await until('it to serve again', async () => (await edge.ask('/')).status === 200)
  })

  test('finishes requests in progress when it is stopped (SIGUSR1), then exits', async () => {
    const edge = world.at('us-west')
    let finish = () => {}
    for (const app of edge.apps)
      app.handle = (_, response) => {
        finish = () => response.end('finished')
      }
    const reply = edge.ask('/slow')
    await until('the request to reach the app', () =>
      edge.apps.some((app) => app.requests.includes('GET /slow')),
    )
    // HAProxy serves a moment before its master handles signals.
    const master = (command: string) =>
      askUnixSocket(join(edge.folder, 'run/haproxy-master.sock'), command, 5_000)
    await until('the master', async () => (await master('show proc')).includes('worker'))
    const stopped = edge.haproxy.kill('SIGUSR1')
    await until('the port to close', () =>
      edge.ask('/.nearside/alive').then(
        () => false,
        () => true,
      ),
    )
    finish()
    assert.equal((await reply).body, 'finished')
    await stopped
    await edge.haproxy.start()
  })
})
