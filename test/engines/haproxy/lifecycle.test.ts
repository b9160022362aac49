import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runtimeAt } from '../../../src/engines/haproxy/control.ts'
import { type EdgeWorld, keepAlive, startEdges } from '../../support/edge.ts'
import { until } from '../../support/sandboxed.ts'
import { twoRegions } from '../../support/topologies.ts'

describe('a running HAProxy', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east' })
  })
  after(() => world?.stop())

  test('is reloaded under load without an error and without another process id', async () => {
    const edge = world.at('us-east')
    const worker = await edge.control.workerPid()
    const { pid } = edge.haproxy.running()
    let stop = false
    let done = 0
    const statuses = new Set<number>()
    const stream = async (method: string, agent: ReturnType<typeof keepAlive> | false) => {
      while (!stop) {
        statuses.add((await edge.ask('/', { method, agent })).status)
        done++
      }
    }
    const agents = [keepAlive(), keepAlive()]
    const streams = [...agents, false as const].flatMap((agent) => [
      stream('GET', agent),
      stream('POST', agent),
    ])
    try {
      for (let n = 0; n < 3; n++) {
        const count = done
        await until('requests', () => done > count + 100)
        assert.equal(await edge.haproxy.reload(), undefined)
      }
      const count = done
      await until('requests', () => done > count + 100)
    } finally {
      stop = true
    }
    await Promise.all(streams)
    for (const agent of agents) agent.destroy()
    assert.deepEqual([...statuses], [200])
    assert.equal(edge.haproxy.running().pid, pid)
    assert.notEqual(await edge.control.workerPid(), worker)
  })

  test('keeps a long stream through a reload', async () => {
    const edge = world.at('us-east')
    let send = (_: string) => {}
    for (const app of edge.apps)
      app.handle = (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        send = (text) => response.write(text)
        send('before')
      }
    const connection = edge.raw('GET /events HTTP/1.1\r\nhost: a\r\n\r\n')
    await connection.wait('the first event', (text) => text.includes('before'))
    assert.equal(await edge.haproxy.reload(), undefined)
    send('afterwards')
    await connection.wait('the second event', (text) => text.includes('afterwards'))
    connection.close()
  })

  test('refuses a broken configuration, says why, and goes on with the one it has', async () => {
    const edge = world.at('us-west')
    const file = join(edge.folder, 'etc/haproxy/haproxy.cfg')
    const good = readFileSync(file, 'utf8')
    writeFileSync(file, `${good}\nfrontend broken\n  bind nonsense\n`)
    assert.match((await edge.haproxy.reload())!, /nonsense/)
    assert.equal((await edge.ask('/')).status, 200)
    writeFileSync(file, good)
    assert.equal(await edge.haproxy.reload(), undefined)
  })

  test('ends as a whole when its worker is killed, so that its supervisor sees it', async () => {
    const edge = world.at('us-west')
    const pid = await edge.control.workerPid()
    process.kill(pid, 'SIGKILL')
    await until('the master to end', () => edge.haproxy.running().hasExited())
    await edge.haproxy.start()
    await until('it to serve again', async () => (await edge.ask('/')).status === 200)
  })

  test('leaves no worker behind when its master is killed', async () => {
    const edge = world.at('us-west')
    const pid = await edge.control.workerPid()
    await edge.haproxy.kill('SIGKILL')
    await until('the worker to end', () => {
      try {
        process.kill(pid, 0)
        return false
      } catch {
        return true
      }
    })
    await edge.haproxy.start()
    await until('it to serve again', async () => (await edge.ask('/')).status === 200)
  })

  test('finishes what it is doing when it is told to stop (SIGUSR1), and then ends', async () => {
    const edge = world.at('us-west')
    let finish = () => {}
    for (const app of edge.apps)
      app.handle = (_, response) => {
        finish = () => response.end('finished')
      }
    const reply = edge.ask('/slow')
    await until('the app to have it', () => edge.apps.some((app) => app.requests.includes('GET /slow')))
    // It serves a moment before its master listens to signals.
    const master = runtimeAt(join(edge.folder, 'run/haproxy-master.sock'), 5_000)
    await until('the master', async () => (await master('show proc')).includes('worker'))
    const stopped = edge.haproxy.kill('SIGUSR1')
    await until('the door to close', () =>
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
