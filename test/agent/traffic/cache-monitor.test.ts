import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { launcher } from '../../../src/agent/supervision/launch.ts'
import { CacheMonitor } from '../../../src/agent/traffic/cache-monitor.ts'
import { locateEngineRoot } from '../../../src/engines/root/locate.ts'
import { countersCommand } from '../../../src/engines/varnish/counters.ts'
import { varnishWorkFolder } from '../../../src/engines/varnish/layout.ts'
import { identify, signal, withDescendants } from '../../../src/lib/proc.ts'
import { runToEnd } from '../../../src/lib/run-to-end.ts'
import { type EdgeRegion, type EdgeWorld, startEdges } from '../../support/edge.ts'
import { until } from '../../support/sandboxed.ts'
import { twoRegions } from '../../support/topologies.ts'

const quiet = { warn: () => undefined }

/** A monitor over a Varnish and an HAProxy whose counters the test sets. */
function fakes() {
  const varnish: Record<string, number> = { 'MGT.uptime': 1000, 'MAIN.uptime': 1000, 'MAIN.n_object': 100 }
  const state = {
    running: true,
    haproxyIsDown: false,
    runs: 0,
    output: undefined as string | undefined,
    worker: 1,
    bypassed: { unstorable: 0, noThread: 0 },
    nowMs: 0,
    warnings: 0,
  }
  const counters = () => {
    const names = countersCommand.filter((_, n) => countersCommand[n - 1] === '-I')
    return Object.fromEntries(names.map((name) => [name, { value: varnish[name] ?? 0 }]))
  }
  const monitor = new CacheMonitor({
    run: async () => {
      state.runs += 1
      return { code: 0, output: state.output ?? JSON.stringify({ version: 1, counters: counters() }) }
    },
    haproxy: {
      async workerPid() {
        if (state.haproxyIsDown) throw new Error('connect ENOENT')
        return state.worker
      },
      stats: async () => [],
      bypassed: async () => ({ ...state.bypassed }),
    },
    isRunning: () => state.running,
    log: {
      warn() {
        state.warnings += 1
      },
    },
    clock: { now: () => state.nowMs, setTimeout: () => () => undefined },
  })
  const read = async (seconds = 10) => {
    state.nowMs += seconds * 1000
    varnish['MGT.uptime']! += seconds
    varnish['MAIN.uptime']! += seconds
    await monitor.read()
  }
  return { varnish, state, monitor, read }
}

const lastMinute = ({ state }: CacheMonitor) => (state.kind === 'measured' ? state.lastMinute : undefined)

describe('the cache’s counters', () => {
  test('count from the first reading, over the last minute, and in total', async () => {
    const { varnish, monitor, read } = fakes()
    varnish['MAIN.cache_hit'] = 5000
    await read()
    assert.deepEqual([lastMinute(monitor)?.hits, monitor.totals.hits], [0, 0])
    for (let n = 0; n < 10; n++) {
      varnish['MAIN.cache_hit'] += 7
      await read()
    }
    assert.deepEqual([lastMinute(monitor)?.hits, monitor.totals.hits], [42, 70])
  })

  test('go on when Varnish, its worker, or HAProxy’s worker starts anew', async () => {
    const { varnish, state, monitor, read } = fakes()
    varnish['MAIN.cache_hit'] = 100
    state.bypassed.unstorable = 50
    await read()
    Object.assign(varnish, { 'MAIN.cache_hit': 130, 'MAIN.uptime': 0, 'MGT.child_died': 1 })
    Object.assign(state, { worker: 2, bypassed: { unstorable: 60, noThread: 0 } })
    await read()
    assert.deepEqual([monitor.totals.hits, monitor.totals.unstorable, monitor.totals.crashes], [130, 60, 1])
    Object.assign(varnish, { 'MAIN.cache_hit': 3, 'MAIN.uptime': 0, 'MGT.uptime': 0, 'MGT.child_died': 0 })
    await read()
    assert.deepEqual([monitor.totals.hits, monitor.totals.unstorable, monitor.totals.crashes], [133, 60, 1])
  })

  test('are not read while Varnish is down, which is not trouble of the cache', async () => {
    const { state, monitor, read } = fakes()
    await read()
    state.running = false
    await read()
    assert.deepEqual([state.runs, monitor.state], [1, { kind: 'unknown', trouble: [] }])
    assert.equal(monitor.gauges, undefined)
  })

  test('of Varnish are read without HAProxy, whose own go on when it is back', async () => {
    const { varnish, state, monitor, read } = fakes()
    state.bypassed.unstorable = 50
    await read()
    state.haproxyIsDown = true
    varnish['MAIN.cache_hit'] = 7
    for (let n = 0; n < 4; n++) await read()
    assert.deepEqual([monitor.state.kind, monitor.state.trouble, monitor.totals.hits], ['measured', [], 7])
    Object.assign(state, { haproxyIsDown: false, worker: 2, bypassed: { unstorable: 3, noThread: 0 } })
    await read()
    assert.equal(monitor.totals.unstorable, 3)
  })

  test('that cannot be read are trouble after the third time, are logged once, and end no agent', async () => {
    const { state, monitor, read } = fakes()
    await read()
    state.output = 'Segmentation fault'
    await read()
    await read()
    assert.deepEqual([monitor.state.kind, monitor.state.trouble], ['measured', []])
    await read()
    await read()
    assert.equal(monitor.state.kind, 'unknown')
    const [trouble] = monitor.state.trouble
    assert.ok(trouble?.kind === 'unmeasured')
    assert.match(trouble.why, /expected counters from varnishstat, got "Segmentation fault"/)
    assert.equal(state.warnings, 1)
    state.output = undefined
    await read()
    assert.deepEqual([monitor.state.kind, monitor.state.trouble], ['measured', []])
  })
})

/** A real Varnish and a real HAProxy, read as an agent reads them. */
describe('a cache in trouble', () => {
  let world: EdgeWorld
  let edge: EdgeRegion
  let monitor: CacheMonitor
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      varnish: true,
      changes: { app: { static: ['/files/*'] }, cdn: { maxMemory: '24mb' } },
      // So that ten slow readers are as many as 1,900.
      alter: (_, content) => content.replace('srv_conn(cdn/varnish) ge 1900', 'srv_conn(cdn/varnish) ge 10'),
    })
    edge = world.at('us-east')
    answer({})
    const { prepare } = launcher({ root: locateEngineRoot().path, folder: edge.folder, files: [] })
    monitor = new CacheMonitor({
      run: (command, timeoutMs) => runToEnd(prepare('engine', [...command], {}), timeoutMs),
      haproxy: edge.control,
      isRunning: () => true,
      log: quiet,
    })
    await monitor.read()
  })
  after(() => world?.stop())

  /** `/files/NAME/BYTES` */
  const answer = ({ isBroken = false }: { isBroken?: boolean }) => {
    for (const app of edge.apps)
      app.handle = (request, response) => {
        const bytes = Number(new URL(request.url!, 'http://a').pathname.split('/')[3] ?? 100)
        response.setHeader('content-length', bytes)
        response.setHeader('cache-control', 'max-age=600')
        response.write(Buffer.alloc(isBroken ? bytes / 2 : bytes, 'x'))
        if (isBroken) setTimeout(() => response.destroy(), 20)
        else response.end()
      }
  }
  const kinds = () => monitor.state.trouble.map(({ kind }) => kind)
  /** Varnish adds up its threads’ counters now and then. */
  const untilTrouble = (kind: string) =>
    until(`${kind} in ${JSON.stringify(monitor.state)}`, async () => {
      await monitor.read()
      return kinds().includes(kind as never)
    })

  test('is none while it serves', async () => {
    for (let n = 0; n < 3; n++) await edge.ask('/files/a/1000')
    await until('the requests are counted', async () => {
      await monitor.read()
      return monitor.totals.hits === 2 && monitor.totals.misses === 1
    })
    assert.deepEqual(kinds(), [])
    assert.ok(monitor.state.kind === 'measured')
    assert.equal(monitor.state.limitBytes, 24 * 1024 ** 2)
    assert.ok(monitor.state.usedBytes > 1000 && monitor.state.usedBytes < 100_000)
    assert.equal(monitor.state.objects, 1)
  })

  test('shows responses that it cannot store as pipes and bypasses, which are normal', async () => {
    for (let n = 0; n < 4; n++) await edge.ask('/files/large/5000000')
    await until('the requests are counted', async () => {
      await monitor.read()
      return monitor.totals.pipes === 1 && monitor.totals.unstorable === 3
    })
    assert.deepEqual(kinds(), [])
  })

  test('is shown when fetches fail', async () => {
    answer({ isBroken: true })
    for (let n = 0; n < 12; n++) await edge.ask(`/files/broken-${n}/1000`).catch(() => undefined)
    answer({})
    await untilTrouble('fetches failing')
  })

  test('is shown when Varnish has too many responses under way', async () => {
    const size = 2_500_000
    await edge.ask(`/files/slow/${size}`)
    const readers = Array.from({ length: 12 }, () =>
      edge.raw(`GET /files/slow/${size} HTTP/1.1\r\nhost: shop.example\r\n\r\n`),
    )
    for (const reader of readers) reader.socket.pause()
    try {
      await until('the readers are served', async () => {
        await edge.ask('/files/a/1000')
        await monitor.read()
        return kinds().includes('no thread')
      })
    } finally {
      for (const reader of readers) reader.close()
    }
  })

  test('is shown when it evicts what is used', async () => {
    const objects = (2 * 24 * 1024 ** 2) / 100_000
    // Fewer at a time than make HAProxy bypass the cache.
    for (let at = 0; at < objects; at += 5)
      await Promise.all(Array.from({ length: 5 }, (_, n) => edge.ask(`/files/many-${at + n}/100000`)))
    await untilTrouble('evicting')
    const found = monitor.state.trouble.find((one) => one.kind === 'evicting')
    assert.ok(found!.perMinute > 100 && found!.missShare > 0.5, JSON.stringify(found))
  })

  test('is shown when Varnish crashes, and the counters go on', async () => {
    const { hits } = monitor.totals
    const worker = () =>
      withDescendants([edge.varnish.running().pid]).find((pid) => commandOf(pid) === 'cache-main')
    const panic = async () => {
      const { prepare } = launcher({ root: locateEngineRoot().path, folder: edge.folder, files: [] })
      const command = ['/usr/bin/varnishadm', '-n', varnishWorkFolder, 'debug.panic.worker']
      await runToEnd(prepare('engine', command, {}), 20_000)
    }
    const ends: Record<string, () => unknown> = {
      'killed by the kernel, out of memory': () => signal(identify(worker()!)!, 'SIGKILL'),
      'killed by its manager, which it did not answer': () => signal(identify(worker()!)!, 'SIGQUIT'),
      'a panic': panic,
    }
    for (const [how, end] of Object.entries(ends)) {
      const before = monitor.totals.crashes
      const former = worker()
      await end()
      await until(`a new worker: ${how}`, () => ![undefined, former].includes(worker()))
      await until('it serves again', async () => (await edge.ask('/files/after/1000')).status === 200)
      await until('the counters', async () => {
        await monitor.read()
        return monitor.totals.crashes > before
      })
      assert.equal(monitor.totals.crashes, before + 1, how)
    }
    await untilTrouble('crashing')
    assert.ok(monitor.totals.hits >= hits)
    assert.ok(monitor.state.kind === 'measured' && monitor.state.objects < 10)
  })
})

const commandOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
