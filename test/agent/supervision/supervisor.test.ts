import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { logStart } from '../../../src/agent/supervision/log-start.ts'
import { identify, lookAt, signal } from '../../../src/lib/proc.ts'
import type { PlanProcess, RegionPlan } from '../../../src/plan.ts'
import { freeEndpoint, until } from '../../support/sandboxed.ts'
import { SupervisedFolder } from '../../support/supervised.ts'

const stay = 'exec sleep 1000'
const kill = (pid: number) => signal(identify(pid)!, 'SIGKILL')

let here: SupervisedFolder
beforeEach(() => {
  here = new SupervisedFolder()
})
afterEach(() => here.clear())

describe('starting', () => {
  test('a process waits until those that it needs are ready, and shows which ones', async () => {
    const slow = here.process('slow', stay, { ready: here.readyWhen('go') })
    const after = here.process('after', stay, { after: ['slow'] })
    const last = here.process('last', stay, { after: ['slow', 'after'] })
    const all = here.supervisor(here.plan([last, after, slow]))
    all.supervisor.start()
    await all.in('slow', 'starting')
    assert.deepEqual(
      [all.one('after'), all.one('last')].map(({ state, why }) => [state, why]),
      [
        ['waiting', 'for slow'],
        ['waiting', 'for slow, after'],
      ],
    )
    assert.deepEqual(here.starts('after'), [])
    here.touch('go')
    await all.in('last', 'ready')
    const ready = all.history.filter(({ state }) => state === 'ready').map(({ name }) => name)
    assert.deepEqual(ready, ['slow', 'after', 'last'])
    await all.supervisor.stop()
  })

  test('a start condition applies once; a later restart does not wait for it again', async () => {
    let open = Promise.withResolvers<void>()
    let asked = 0
    const condition = () => {
      asked += 1
      return open.promise
    }
    const all = here.supervisor(here.plan([here.process('gated', stay)]), {
      startConditions: { gated: { waitsFor: 'another region', met: condition } },
    })
    all.supervisor.start()
    await all.in('gated', 'waiting', ({ why }) => why === 'for another region')
    assert.deepEqual(here.starts('gated'), [])
    open.resolve()
    const { pid } = await all.in('gated', 'ready')
    open = Promise.withResolvers()
    kill(pid!)
    await all.in('gated', 'ready', (now) => now.pid !== pid)
    assert.equal(asked, 1)
    await all.supervisor.stop()
  })

  test('a process gets its own session, its own log file and the path of its folder', async () => {
    const process_ = here.process('noisy', `echo said; echo complained >&2; ${stay}`, {
      env: { GIVEN: 'yes' },
    })
    const all = here.supervisor(here.plan([process_]))
    all.supervisor.start()
    const { pid } = await all.in('noisy', 'ready')
    const seen = lookAt(pid!)!
    assert.equal(seen.session, pid)
    assert.equal(seen.workingFolder, here.folder)
    assert.equal(seen.variable('GIVEN'), 'yes')
    assert.equal(seen.variable('NEARSIDE_FOLDER'), here.folder)
    assert.equal(readFileSync(join(here.folder, 'log/noisy.log'), 'utf8'), 'said\ncomplained\n')
    await all.supervisor.stop()
  })
})

describe('a process that fails', () => {
  test('before it is ready is restarted, and its status shows why', async () => {
    const once = '[ $(wc -l < data/frail) -gt 2 ] && { touch data/go; exec sleep 1000; }; exit 3'
    const all = here.supervisor(here.plan([here.process('frail', once, { ready: here.readyWhen('go') })]))
    all.supervisor.start()
    const { restarts } = await all.in('frail', 'ready')
    assert.equal(restarts, 2)
    assert.equal(here.starts('frail').length, 3)
    const pauses = all.history.filter(({ state }) => state === 'backoff')
    assert.deepEqual([...new Set(pauses.map(({ why }) => why))], ['it exited before it was ready'])
    await all.supervisor.stop()
  })

  test('after it was ready is restarted, every time', async () => {
    const all = here.supervisor(here.plan([here.process('killed', stay)]))
    all.supervisor.start()
    for (let times = 0; times < 3; times += 1) {
      const { pid } = await all.in('killed', 'ready', ({ restarts }) => restarts === times)
      kill(pid!)
    }
    await all.in('killed', 'ready', ({ restarts }) => restarts === 3)
    await all.supervisor.stop()
  })

  test('to become ready in time is stopped with all its descendants and restarted', async () => {
    const stuck = here.process('stuck', 'sleep 999 & wait', {
      ready: here.readyWhen('never'),
      readyTimeoutMs: 3000,
    })
    const all = here.supervisor(here.plan([stuck]))
    all.supervisor.start()
    await all.was('stuck', 'backoff', ({ why }) => why === 'it was not ready after 3 s')
    await until('a second start', () => here.starts('stuck').length > 1)
    assert.equal(identify(here.starts('stuck')[0]!), undefined)
    await all.supervisor.stop()
    assert.deepEqual(here.processes(), [])
  })

  test('repeatedly is given up, which its status shows; an operator can restart it', async () => {
    const broken = 'test -e data/mended && { touch data/go; exec sleep 1000; }; exit 1'
    const all = here.supervisor(here.plan([here.process('broken', broken, { ready: here.readyWhen('go') })]))
    all.supervisor.start()
    const { why } = await all.in('broken', 'gaveUp')
    assert.equal(why, 'exited 12 times in a row before it was ready; retrying every 100 min')
    assert.equal(here.starts('broken').length, 12)
    here.touch('mended')
    await all.supervisor.restart('broken')
    await all.in('broken', 'ready')
    await all.supervisor.stop()
  })

  test('has the start of its last run in its log noted, and its status says how the run ended and when the next starts', async () => {
    const broken = 'echo "run $(wc -l < data/broken)"; exit 1'
    const all = here.supervisor(
      here.plan([here.process('broken', broken, { ready: here.readyWhen('go') })]),
      {
        backoff: { firstMs: 5, longestMs: 20, givenUpMs: 6_000_000 },
      },
    )
    all.supervisor.start()
    const { failures, lastEnd, retryInSeconds } = await all.in('broken', 'gaveUp')
    assert.equal(failures, 12)
    assert.equal(lastEnd, 'exited before it was ready')
    assert.ok(retryInSeconds! > 0 && retryInSeconds! <= 6000, String(retryInSeconds))
    const log = readFileSync(join(here.folder, 'log/broken.log'), 'utf8')
    assert.equal(log.slice(logStart(here.folder, 'broken')), 'run 12\n')
    await all.supervisor.stop()
  })

  test('because nothing listens, or with another status, says what was tried', async () => {
    const { host, port } = await freeEndpoint()
    const plan = here.plan([
      here.process('deaf', stay, {
        ready: { kind: 'http', port, path: '/healthz', expect: { from: 200, to: 299 } },
        env: { PORT: String(port) },
        readyTimeoutMs: 2000,
      }),
    ])
    const all = here.supervisor({ ...plan, address: host })
    all.supervisor.start()
    await all.was(
      'deaf',
      'backoff',
      ({ why }) => why === `it was not ready after 2 s: nothing listens on ${host}:${port} (HOST and PORT)`,
    )
    const server = createServer((_, response) => response.writeHead(404).end())
    await new Promise<void>((resolve) => server.listen(port, host, resolve))
    await all.was(
      'deaf',
      'backoff',
      ({ why }) => why === 'it was not ready after 2 s: GET /healthz answered 404',
    )
    server.close()
    await all.supervisor.stop()
  })

  test('and was given up is retried after a while, without an operator', async () => {
    const broken = 'test -e data/mended && { touch data/go; exec sleep 1000; }; exit 1'
    const all = here.supervisor(
      here.plan([here.process('broken', broken, { ready: here.readyWhen('go') })]),
      {
        backoff: { firstMs: 5, longestMs: 20, givenUpMs: 1000 },
      },
    )
    all.supervisor.start()
    await until('a try after it was given up', () => here.starts('broken').length > 13)
    assert.match(
      (await all.in('broken', 'gaveUp')).why!,
      /^exited 1\d times in a row before it was ready; retrying every 1 s$/,
    )
    here.touch('mended')
    await all.in('broken', 'ready')
    await all.supervisor.stop()
  })

  test('its health check after it was ready shows as failing and is not restarted; it shows as ready when it answers again', async () => {
    const all = here.supervisor(here.plan([here.process('hung', stay)]), {
      recheck: { answeringMs: 500, silentMs: 200 },
    })
    all.supervisor.start()
    const { pid } = await all.in('hung', 'ready')
    rmSync(join(here.folder, 'data/hung.ready'))
    const { why } = await all.in('hung', 'failing')
    assert.equal(why, 'its health check fails')
    here.touch('hung.ready')
    assert.equal((await all.in('hung', 'ready')).pid, pid)
    await all.supervisor.stop()
  })

  test('is not affected by a listener that throws', async () => {
    const deaf = here.supervisor(here.plan([here.process('other', stay)]), {
      onChange: () => {
        throw new Error('ENOSPC')
      },
    })
    deaf.supervisor.start()
    const { restarts } = await deaf.in('other', 'ready')
    assert.equal(restarts, 0)
    await deaf.supervisor.stop()
    assert.deepEqual(here.processes(), [])
  })

  test('because its program does not exist shows the error', async () => {
    const all = here.supervisor(here.plan([here.process('absent', '', { command: ['/no/such/program'] })]))
    all.supervisor.start()
    await all.was('absent', 'backoff', ({ why }) => why?.includes('ENOENT') ?? false)
    await all.supervisor.stop()
  })

  test('to be recorded is killed instead of left unsupervised', async () => {
    rmSync(join(here.folder, 'run'), { recursive: true })
    const all = here.supervisor(here.plan([here.process('lonely', stay)]), {
      backoff: { firstMs: 20, longestMs: 80, givenUpMs: 1000 },
    })
    all.supervisor.start()
    await all.was('lonely', 'backoff', ({ why, restarts }) => restarts > 2 && why!.includes('ENOENT'))
    mkdirSync(join(here.folder, 'run'))
    const { pid } = await all.in('lonely', 'ready')
    await until('only one process to be left', () => here.processes().length === 1)
    assert.deepEqual(here.processes(), [pid])
    await all.supervisor.stop()
  })
})

describe('stopping', () => {
  test('stops dependants before the processes that they need', async () => {
    const note = (name: string) =>
      `trap 'echo ${name} >> data/order; exit 0' TERM; touch data/${name}.ready; while :; do sleep 0.05; done`
    // Ready once it can note its end, with time for that on a busy machine.
    const noted = (name: string, after: string[]) => {
      const stop = { signal: 'SIGTERM', timeoutMs: 600_000 } as const
      return here.process(name, note(name), { after, stop, ready: here.readyWhen(`${name}.ready`) })
    }
    const [base, middle, top] = [noted('base', []), noted('middle', ['base']), noted('top', ['middle'])]
    const all = here.supervisor(here.plan([base, middle, top]))
    all.supervisor.start()
    await all.in('top', 'ready')
    await all.supervisor.stop()
    assert.equal(readFileSync(join(here.folder, 'data/order'), 'utf8'), 'top\nmiddle\nbase\n')
    assert.deepEqual(here.processes(), [])
    assert.deepEqual(new Set(all.supervisor.status().map(({ state }) => state)), new Set(['stopped']))
  })

  test('some processes leaves the others alone', async () => {
    const all = here.supervisor(here.plan([here.process('a', stay), here.process('b', stay)]))
    all.supervisor.start()
    const { pid } = await all.in('b', 'ready')
    await all.in('a', 'ready')
    await all.supervisor.stop(({ name }) => name === 'a')
    assert.equal(all.one('a').state, 'stopped')
    assert.equal((await all.in('b', 'ready')).pid, pid)
    await all.supervisor.stop()
  })

  test('kills a process that ignores its signal, and its children', async () => {
    const deaf = here.process(
      'deaf',
      // Ready once both ignore it.
      "trap '' TERM; sh -c \"trap '' TERM; touch data/both.ready; sleep 999\" & while :; do sleep 0.05; done",
      {
        ready: here.readyWhen('both.ready'),
        stop: { signal: 'SIGTERM', timeoutMs: 200 },
      },
    )
    const all = here.supervisor(here.plan([deaf]))
    all.supervisor.start()
    await all.in('deaf', 'ready')
    await all.supervisor.stop()
    await until('nothing to be left', () => here.processes().length === 0)
  })

  test('at any moment of a start leaves no process behind', async () => {
    const processes = ['a', 'b', 'c'].map((name) => here.process(name, stay))
    // At every stage from before the first start until after the last.
    for (let pauseMs = 0; pauseMs < 60; pauseMs += 3) {
      const all = here.supervisor(here.plan(processes))
      all.supervisor.start()
      await delay(pauseMs)
      await all.supervisor.stop()
      assert.deepEqual(here.processes(), [], `stopped after ${pauseMs} ms`)
    }
  })

  test('during a backoff pause takes effect immediately', async () => {
    const all = here.supervisor(
      here.plan([here.process('broken', 'exit 1', { ready: here.readyWhen('never') })]),
      {
        backoff: { firstMs: 1_000_000, longestMs: 1_000_000, givenUpMs: 1_000_000 },
      },
    )
    all.supervisor.start()
    await all.in('broken', 'backoff')
    await all.supervisor.stop()
    assert.equal(all.one('broken').state, 'stopped')
    assert.equal(here.starts('broken').length, 1)
  })
})

describe('after an agent that was killed', () => {
  /** Runs the plan under a supervisor in a separate process, which is then killed. */
  async function killed(plan: RegionPlan): Promise<void> {
    const program = join(import.meta.dirname, 'supervisor-program.ts')
    const child = spawn(process.execPath, [program, here.folder], { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.end(JSON.stringify(plan))
    let said = ''
    child.stdout.on('data', (part) => {
      said += part
    })
    await until('everything to be ready', () =>
      plan.processes.every(({ name }) => said.includes(`${name} ready`)),
    )
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
  }
  const engine = (name: string): PlanProcess =>
    here.process(name, '', {
      run: 'engine',
      command: ['sleep', '1000'],
      ready: { kind: 'exec', command: ['true'] },
    })

  test('everything keeps running, and the next agent adopts and supervises it', async () => {
    const plan = here.plan([here.process('host', stay), engine('boxed')])
    await killed(plan)
    const next = here.supervisor(plan)
    next.supervisor.start()
    const host = await next.in('host', 'ready')
    const boxed = await next.in('boxed', 'ready')
    assert.deepEqual(here.starts('host'), [host.pid])
    // The engine itself, not the sandbox around it.
    assert.equal(lookAt(boxed.pid!)?.name, 'sleep')
    assert.ok(
      next.history.some(({ name, why }) => name === 'boxed' && why === 'adopted from an earlier agent'),
    )
    for (const { name, pid } of [host, boxed]) {
      kill(pid!)
      await next.in(name, 'ready', (now) => now.pid !== pid)
    }
    await next.supervisor.stop()
    await until('nothing to be left', () => here.processes().length === 0)
  })

  test('processes whose plan has changed are replaced, and the others are left alone', async () => {
    const file = (content: string) => ({ path: 'etc/configured.conf', mode: 0o644 as const, content })
    const processes = [
      here.process('same', stay),
      here.process('changed', stay),
      here.process('configured', stay),
    ]
    await killed(here.plan(processes, [file('old')]))
    const [same, , configured] = processes
    const changed = here.process('changed', `true; ${stay}`)
    const next = here.supervisor(here.plan([same!, changed, configured!], [file('new')]))
    next.supervisor.start()
    for (const { name } of processes) await next.in(name, 'ready')
    assert.equal(here.starts('same').length, 1)
    for (const name of ['changed', 'configured']) {
      const [old, now] = here.starts(name)
      assert.equal(identify(old!), undefined)
      assert.equal(next.one(name).pid, now)
    }
    await next.supervisor.stop()
  })

  describe('a process that can reload', () => {
    const file = (content: string) => ({ path: 'etc/able.conf', mode: 0o644 as const, content })
    const reload = (script: string): Partial<PlanProcess> => ({
      reload: { kind: 'exec', command: ['sh', '-c', script] },
    })
    /** Number of reloads so far. */
    const reloads = () => here.lines('reloads').length

    test('is reloaded once and stays the same process', async () => {
      const able = here.process('able', stay, reload('echo asked >> data/reloads'))
      await killed(here.plan([able], [file('old')]))
      const plan = here.plan([able], [file('new')])
      for (const times of [1, 2]) {
        const next = here.supervisor(plan)
        next.supervisor.start()
        await next.in('able', 'ready')
        assert.equal(here.starts('able').length, 1, `supervisor ${times}`)
        assert.equal(reloads(), 1, `supervisor ${times}`)
        await next.supervisor.leave()
      }
      const last = here.supervisor(plan)
      last.supervisor.start()
      await last.in('able', 'ready')
      await last.supervisor.stop()
    })

    test('is restarted when more than its files has changed', async () => {
      const asked = reload('echo asked >> data/reloads')
      await killed(here.plan([here.process('able', stay, asked)], [file('old')]))
      const next = here.supervisor(here.plan([here.process('able', `true; ${stay}`, asked)], [file('new')]))
      next.supervisor.start()
      await next.in('able', 'ready')
      assert.equal(here.starts('able').length, 2)
      assert.equal(reloads(), 0)
      await next.supervisor.stop()
    })

    test('keeps its old files when it refuses the new ones, and shows the error until it accepts some', async () => {
      const able = here.process('able', stay, reload('echo no such port; exit 1'))
      const plan = here.plan([able, here.process('after', stay, { after: ['able'] })], [file('new')])
      await killed(here.plan([able], [file('old')]))
      const next = here.supervisor(plan)
      next.supervisor.start()
      const { pid, why } = await next.in('able', 'outdated')
      assert.equal(why, 'it refuses its new files: no such port')
      assert.deepEqual(here.starts('able'), [pid])
      await next.in('after', 'ready')
      await next.supervisor.leave()
      const back = here.supervisor(here.plan(plan.processes, [file('old')]))
      back.supervisor.start()
      assert.equal((await back.in('able', 'ready')).pid, pid)
      await back.supervisor.leave()
      const again = here.supervisor(plan)
      again.supervisor.start()
      await again.in('able', 'outdated')
      kill(pid!)
      await again.in('able', 'ready', (now) => now.pid !== pid)
      await again.supervisor.stop()
    })

    test('is reloaded only after replaced processes have exited, since it may take over their addresses', async () => {
      const able = here.process('able', stay, reload('ls data > data/reloads'))
      const slowToEnd = here.process(
        'other',
        `trap 'sleep 0.5; touch data/ended; exit' TERM; sleep 1000 & wait`,
      )
      await killed(here.plan([able, slowToEnd], [file('old')]))
      const next = here.supervisor(here.plan([able, here.process('other', `true; ${stay}`)], [file('new')]))
      next.supervisor.start()
      await next.in('able', 'ready')
      assert.ok(here.lines('reloads').includes('ended'))
      await next.supervisor.stop()
    })
  })

  test('an adopted process has passed its start condition and restarts without it', async () => {
    const plan = here.plan([here.process('kept', stay)])
    await killed(plan)
    const next = here.supervisor(plan, {
      startConditions: { kept: { waitsFor: 'ever', met: () => new Promise(() => undefined) } },
    })
    next.supervisor.start()
    const { pid } = await next.in('kept', 'ready')
    kill(pid!)
    await next.in('kept', 'ready', (now) => now.pid !== pid)
    await next.supervisor.stop()
  })

  test('a record whose process id now belongs to another process does no harm', async () => {
    const innocent = spawn('sleep', ['1000'], { stdio: 'ignore' })
    try {
      const { pid } = innocent
      const record = { pid, startTicks: identify(pid!)!.startTicks - 1, spec: 'other', startedAt: 0 }
      writeFileSync(join(here.folder, 'run/mine.json'), JSON.stringify(record))
      const all = here.supervisor(here.plan([here.process('mine', stay)]))
      all.supervisor.start()
      await all.in('mine', 'ready', (now) => now.pid !== pid)
      await all.supervisor.stop()
      assert.ok(identify(pid!))
    } finally {
      innocent.kill('SIGKILL')
    }
  })

  test('a damaged record is ignored', async () => {
    writeFileSync(join(here.folder, 'run/mine.json'), '{"pid":')
    const all = here.supervisor(here.plan([here.process('mine', stay)]))
    all.supervisor.start()
    await all.in('mine', 'ready')
    await all.supervisor.stop()
  })
})

test('an agent that leaves does not touch its processes, and the next one finds them', async () => {
  const plan = here.plan([here.process('kept', stay)])
  const first = here.supervisor(plan)
  first.supervisor.start()
  const { pid } = await first.in('kept', 'ready')
  await first.supervisor.leave()
  const second = here.supervisor(plan)
  second.supervisor.start()
  assert.equal((await second.in('kept', 'ready')).pid, pid)
  await second.supervisor.stop()
})

test('a restart leaves other processes alone, and concurrent calls restart it once', async () => {
  const all = here.supervisor(here.plan([here.process('a', stay), here.process('b', stay)]))
  all.supervisor.start()
  const { pid } = await all.in('a', 'ready')
  const other = await all.in('b', 'ready')
  await Promise.all([all.supervisor.restart('a'), all.supervisor.restart('a')])
  const now = await all.in('a', 'ready', (status) => status.pid !== pid)
  assert.deepEqual(
    here.processes().sort((x, y) => x - y),
    [now.pid!, other.pid!].sort((x, y) => x - y),
  )
  await all.supervisor.stop()
})

test('a stop during a restart prevails', async () => {
  for (let pauseMs = 0; pauseMs < 100; pauseMs += 10) {
    const all = here.supervisor(here.plan([here.process('a', stay)]))
    all.supervisor.start()
    await all.in('a', 'ready')
    const restart = all.supervisor.restart('a')
    await delay(pauseMs)
    await all.supervisor.stop()
    await restart
    await all.supervisor.stop()
    assert.deepEqual(here.processes(), [], `stopped after ${pauseMs} ms`)
  }
})
