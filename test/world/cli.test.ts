import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import pg from 'pg'
import type { WorldStatus } from '../../src/world/status/types.ts'
import { ledger } from '../support/world/apps.ts'
import { ask } from '../support/world/http.ts'
import { pauseAll, processesOfRegion, processesOfWorld, worldMark } from '../support/world/processes.ts'
import { TestWorld } from '../support/world.ts'

const program = join(import.meta.dirname, '../../src/cli/main.ts')

type Ran = { code: number | null; stdout: string; stderr: string; ms: number }

/** An operator's tour of the commands, in order: each step starts from the state that the previous one left. */
suite('a world and its command line', () => {
  let world: TestWorld
  let folder: string
  const running = new Set<ChildProcess>()

  before(async () => {
    world = await TestWorld.make({ app: ledger, topology: { cdn: { pagesMaxSeconds: 3600 } } })
    folder = join(world.folder, '../..')
  })
  after(async () => {
    for (const child of running) child.kill('SIGKILL')
    await world.close()
  })

  function begin(...args: string[]): { child: ChildProcess; ended: Promise<Ran> } {
    const startedAt = performance.now()
    const child = spawn(process.execPath, [program, ...args], {
      cwd: folder,
      env: { ...process.env, [worldMark]: world.folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.add(child)
    let [stdout, stderr] = ['', '']
    child.stdout!.setEncoding('utf8').on('data', (part: string) => {
      stdout += part
    })
    child.stderr!.setEncoding('utf8').on('data', (part: string) => {
      stderr += part
    })
    const ended = new Promise<Ran>((resolve) =>
      child.on('close', (code) => {
        running.delete(child)
        resolve({ code, stdout, stderr, ms: performance.now() - startedAt })
      }),
    )
    return { child, ended }
  }

  const nearside = (...args: string[]) => begin(...args).ended

  /** Runs a command that must succeed, and returns its output. */
  async function done(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await nearside(...args)
    assert.equal(code, 0, `nearside ${args.join(' ')}: exit ${code}\n${stderr}\n${stdout}`)
    return stdout
  }

  const status = async () => JSON.parse((await nearside('status', '--json')).stdout) as WorldStatus
  const problems = async () => (await status()).problems.map((problem) => problem.code)
  const healthy = () =>
    world.until('the world to be healthy', async () => (await status()).health === 'healthy')
  const pids = (now: WorldStatus, engine: string) =>
    now.regions.flatMap((region) =>
      region.processes.filter((one) => one.name === engine).map((one) => one.pid),
    )

  test('up starts the world and shows its addresses', async () => {
    const said = await done('up', '--detach')
    assert.match(said, /^ledger is up in us-east and us-west/)
    for (const region of ['us-east', 'us-west'])
      assert.ok(said.includes(`http://${world.address(region)}:8080`))
    assert.match(said, /nearside down/)
    const now = await status()
    assert.deepEqual([now.primary, now.durability], ['us-east', 'region'])
    assert.ok(now.regions.every((region) => region.source === 'agent'))
  })

  test('a second up starts nothing, even two at the same time', async () => {
    await healthy()
    const before = await status()
    const both = await Promise.all([done('up', '--detach'), done('up', '--detach')])
    for (const said of both) assert.match(said, /nothing to start/)
    const after = await status()
    for (const engine of ['postgres', 'haproxy', 'app-0'])
      assert.deepEqual(pids(after, engine), pids(before, engine))
    assert.deepEqual(
      after.regions.map((region) => region.agent?.pid),
      before.regions.map((region) => region.agent?.pid),
    )
  })

  test('logs, events and doctor report on the world without a secret', async () => {
    const [logs, events, doctor] = await Promise.all([
      done('logs', '--lines', '2000'),
      done('events', '--json'),
      done('doctor', '--json'),
    ])
    assert.match(logs, /us-east\/postgres {2}/)
    assert.match(logs, /us-central\/etcd/)
    assert.ok((JSON.parse(events) as { kind: string }[]).some((event) => event.kind === 'release'))
    const { findings } = JSON.parse(doctor) as { findings: { state: string }[] }
    assert.ok(findings.every((one) => one.state !== 'problem'))
    const secrets = Object.values(
      JSON.parse(readFileSync(join(world.folder, 'secrets.json'), 'utf8')) as object,
    )
    const everything = `${logs}${events}${doctor}${JSON.stringify(await status())}${await done('status', '-v')}`
    for (const secret of secrets) assert.ok(!everything.includes(String(secret)))
  })

  test('a switchover moves the primary and reports the write pause', async () => {
    const moved = JSON.parse(await done('switchover', '--to', 'us-west', '--json'))
    assert.deepEqual([moved.from, moved.to], ['us-east', 'us-west'])
    assert.ok(
      moved.writePauseMs > 0 && moved.writePauseMs / 1000 <= moved.seconds + 30,
      JSON.stringify(moved),
    )
    const refused = await nearside('switchover', '--to', 'us-west')
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /us-west already holds the primary/)
    assert.match(await done('events'), /the primary moved from us-east to us-west .*writes paused for/)
    await healthy()
  })

  test('restart restarts a single process, and an agent without its engines', async () => {
    const before = await status()
    await done('restart', 'us-east', 'app-0')
    await done('restart', 'us-east', 'agent')
    const after = await status()
    assert.notEqual(pids(after, 'app-0')[0], pids(before, 'app-0')[0])
    assert.equal(pids(after, 'app-0')[1], pids(before, 'app-0')[1])
    assert.deepEqual(pids(after, 'postgres'), pids(before, 'postgres'))
    assert.notEqual(after.regions[0]!.agent!.pid, before.regions[0]!.agent!.pid)
    await healthy()
  })

  test('a restarted instance’s old pages leave every edge, and purge removes pages where it says', async () => {
    const edges = ['us-east', 'us-west']
    const page = async (edge: string, path = '/prerendered') => {
      const { body, headers } = await ask({ host: world.address(edge), port: 8080, path, timeoutMs: 5_000 })
      return { body, isHit: String(headers['cache-status'] ?? '').includes('; hit') }
    }
    const cached = (edge: string, path?: string) =>
      world.until(`${edge} to cache the page`, async () => {
        const { body, isHit } = await page(edge, path)
        return isHit ? body : undefined
      })
    /** Purges of the world, as events, once both edges have applied them. */
    const purges = async () => {
      const events = JSON.parse(await done('events', '--json')) as {
        kind: string
        detail: { number: number }
      }[]
      const numbers = events.flatMap(({ kind, detail }) => (kind === 'purge' ? [detail.number] : []))
      const last = Math.max(0, ...numbers)
      await world.until('the edges to purge', async () =>
        (await Promise.all(edges.map((edge) => world.status(edge)))).every(
          (one) => one?.purges?.applied === last,
        ),
      )
      return last
    }
    const before = await purges()
    const old = await Promise.all(edges.map((edge) => cached(edge)))
    await done('restart', 'us-east', 'app-0')
    await world.until('a purge', async () => (await purges()) > before, 10_000)
    for (const [i, edge] of edges.entries()) assert.notEqual((await page(edge)).body, old[i])
    assert.match(await done('events'), /cached pages in all regions, because app-0 of us-east started/)

    const [east, west] = await Promise.all(edges.map((edge) => cached(edge)))
    assert.equal(await done('purge', '/prerendered', '--region', 'us-west'), 'us-west: purged\n')
    assert.equal((await page('us-east')).body, east)
    assert.notEqual((await page('us-west')).body, west)

    const missed = await cached('us-west')
    await world.killAgents(['us-west'])
    const partly = await nearside('purge', '--all')
    assert.equal(partly.code, 1, partly.stderr)
    assert.equal(partly.stdout, 'us-east: purged\nus-west: unreachable; it will purge when it is back\n')
    assert.equal((await page('us-west')).body, missed)
    await done('up', '--detach')
    await world.until('us-west to catch up', async () => (await page('us-west')).body !== missed, 10_000)
    await healthy()
  })

  test('kill leaves no process of a region, status reports it, revive brings it back in sync', async () => {
    const { killed } = JSON.parse(await done('kill', 'us-west', '--json')) as { killed: { name: string }[] }
    assert.deepEqual(processesOfRegion(world.folder, 'us-west'), [])
    for (const name of ['agent', 'app-0', 'etcd', 'haproxy', 'postgres'])
      assert.ok(
        killed.some((one) => one.name === name),
        name,
      )
    const shown = await nearside('status')
    assert.equal(shown.code, 3)
    assert.match(shown.stdout, /us-west: no process is running\n +run `nearside revive us-west`/)
    await world.until('us-east to take over', async () => (await status()).primary === 'us-east')
    assert.match(
      await done('revive', 'us-west'),
      /^us-west is back: it serves users and its database is a replica/,
    )
    assert.equal((await status()).durability, 'region')
    assert.match(await done('revive', 'us-west'), /^us-west runs/)
    await healthy()
  })

  test('with every agent killed, status asks the engines and up adopts them', async () => {
    const before = await status()
    await world.killAgents()
    // Status gives a local engine 150 ms, and a busy machine may need more.
    const alone = await world.until('the engines to answer', async () => {
      const now = await status()
      return now.primary === undefined ? undefined : now
    })
    assert.deepEqual([alone.shared, alone.primary, alone.health], [undefined, 'us-east', 'degraded'])
    assert.deepEqual(await problems(), ['agent_gone'])
    assert.deepEqual(pids(alone, 'postgres'), pids(before, 'postgres'))
    assert.match(await done('events'), /the primary moved/)
    await done('up', '--detach')
    const after = await status()
    for (const engine of ['etcd', 'postgres', 'haproxy', 'app-0'])
      assert.deepEqual(pids(after, engine), pids(before, engine), engine)
  })

  test('hung agents delay no command, and up replaces them', async () => {
    await healthy()
    const before = await status()
    const agents = before.regions.map((region) => region.agent!.pid)
    await pauseAll(() => processesOfWorld(world.folder).filter((id) => agents.includes(id.pid)))
    const shown = await nearside('status', '--json')
    assert.ok((JSON.parse(shown.stdout) as WorldStatus).regions.every((one) => one.agentState === 'hangs'))
    await done('up', '--detach')
    const after = await status()
    assert.ok(after.regions.every((region) => region.agent && !agents.includes(region.agent.pid)))
    assert.deepEqual(pids(after, 'postgres'), pids(before, 'postgres'))
    await healthy()
  })

  const file = () => join(folder, 'nearside.yaml')
  const change = (edit: (topology: { app: Record<string, unknown>; network: object }) => void) => {
    const topology = JSON.parse(readFileSync(file(), 'utf8'))
    edit(topology)
    writeFileSync(file(), JSON.stringify(topology))
  }

  test('a changed topology that engines can reload fails no request and ends no session', async () => {
    const regions = ['us-east', 'us-west']
    await healthy()
    const before = await status()
    const load = world.load(regions, { writesPerSecond: 30, readsPerSecond: 60 })
    const sessions = await Promise.all(
      regions.map(async (region) => {
        const { address, port } = { address: world.address(region), port: 6432 }
        const { secrets } = world.context(region)
        const session = new pg.Client({
          host: address,
          port,
          user: 'app',
          database: 'app',
          password: secrets.app,
        })
        // The query below reports a session that ended.
        session.on('error', () => undefined)
        await session.connect()
        return session
      }),
    )
    const backend = async (session: pg.Client) =>
      (await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid
    const backends = await Promise.all(sessions.map(backend))
    try {
      await world.until('the load to flow', () =>
        regions.every((region) => load.acknowledgedWrites(region) > 30),
      )
      change((topology) => {
        topology.app.timeoutSeconds = 70
      })
      const rolled = await nearside('up', '--detach')
      assert.equal(rolled.code, 0, rolled.stderr)
      assert.match(rolled.stderr, /reloads haproxy and varnish in us-east; haproxy and varnish in us-west/)
      const rolledAtMs = performance.now()
      await world.until('the load to flow', () =>
        regions.every((region) => load.acknowledgedSince(rolledAtMs, region) > 30),
      )
      const failed = (await load.stop()).filter(({ outcome }) => outcome !== 'ok')
      assert.deepEqual(failed, [], `${JSON.stringify(failed)}\n${await done('events')}`)
      assert.deepEqual(await Promise.all(sessions.map(backend)), backends)
    } finally {
      load.abandon()
      for (const session of sessions) await session.end()
    }
    const after = await status()
    for (const engine of ['haproxy', 'varnish', 'app-0', 'postgres'])
      assert.deepEqual(pids(after, engine), pids(before, engine), engine)
    for (const region of regions) {
      const config = readFileSync(join(world.folder, 'regions', region, 'etc/haproxy/haproxy.cfg'), 'utf8')
      assert.match(config, /timeout server 70000ms/)
    }
  })

  test('a running world takes a changed topology or refuses it with a reason', async () => {
    const text = readFileSync(file(), 'utf8')
    const before = await status()
    change((topology) => {
      topology.app.env = { COLOUR: 'green' }
    })
    const rolled = await nearside('up', '--detach')
    assert.equal(rolled.code, 0, rolled.stderr)
    assert.match(rolled.stderr, /The topology has changed \(app\.env\.COLOUR\)/)
    const after = await status()
    assert.deepEqual(pids(after, 'postgres'), pids(before, 'postgres'))
    for (const [i, pid] of pids(after, 'app-0').entries()) assert.notEqual(pid, pids(before, 'app-0')[i])
    const rollOuts = await done('events', '--json')
    const recorded = (JSON.parse(rollOuts) as { kind: string; detail: Record<string, unknown> }[])
      .filter(({ kind, detail }) => kind === 'rollOut' && JSON.stringify(detail.paths).includes('COLOUR'))
      .map(({ detail }) => [detail.state, detail.paths])
    assert.deepEqual(recorded, [
      ['started', ['app.env.COLOUR']],
      ['finished', ['app.env.COLOUR']],
    ])
    assert.doesNotMatch(rollOuts, /green/)
    change((topology) => {
      topology.network = { base: '127.99' }
      topology.app.env = { COLOUR: 'blue' }
    })
    const refused = await nearside('up', '--detach', '--json')
    const { error } = JSON.parse(refused.stdout)
    assert.deepEqual([refused.code, error.code], [1, 'world_differs'])
    assert.deepEqual(error.details, [
      'needs a stopped world: network.base',
      'can change while it runs: app.env.COLOUR',
    ])
    writeFileSync(file(), text)
  })

  test('down leaves no process, and reports when none is running', async () => {
    assert.match(await done('down'), /^ledger is stopped; its data is kept/)
    assert.deepEqual(processesOfWorld(world.folder), [])
    const shown = await nearside('status')
    assert.equal(shown.code, 1)
    assert.match(shown.stdout, /no process of this world is running\n +run `nearside up`/)
    assert.match(await done('down'), /^ledger was not running; its data is kept/)
  })

  test('a foreground up stops everything on Ctrl-C, once, however often it is pressed', async () => {
    const { child, ended } = begin('up')
    let said = ''
    child.stdout!.on('data', (part) => {
      said += part
    })
    await world.until('the world to serve', () => said.includes('ledger is up in'))
    child.kill('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 300))
    child.kill('SIGINT')
    const { code, stderr } = await ended
    assert.equal(code, 0, stderr)
    assert.match(stderr, /already stopping/)
    assert.match(stderr, /ledger is stopped; its data is kept/)
    assert.deepEqual(processesOfWorld(world.folder), [])
  })

  test('closing the terminal during start-up stops what has started', async () => {
    const { child, ended } = begin('up')
    await world.until('an agent', () => world.status('us-east'))
    child.kill('SIGHUP')
    assert.equal((await ended).code, 0)
    assert.deepEqual(processesOfWorld(world.folder), [])
  })

  test('down stops processes left by killed agents, with or without a record', async () => {
    await done('up', '--detach')
    await world.killAgents()
    const [patroni] = world.victims('us-west', { process: 'planned', name: 'postgres' })
    process.kill(patroni!, 'SIGKILL')
    await done('down')
    assert.deepEqual(processesOfWorld(world.folder), [])
  })

  test('a purge needs confirmation and leaves nothing', async () => {
    const refused = await nearside('down', '--purge')
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /the database app with all of its data, in us-east and us-west/)
    assert.match(refused.stderr, /add --yes to confirm/)
    assert.ok(existsSync(world.folder))
    await done('down', '--purge', '--yes')
    assert.ok(!existsSync(join(folder, '.nearside')))
    assert.ok(existsSync(join(folder, 'nearside.yaml')))
  })
})
