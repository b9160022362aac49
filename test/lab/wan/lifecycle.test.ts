import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { locateEngineRoot } from '../../../src/engines/root/locate.ts'
import { ip } from '../../../src/lab/network/ip.ts'
import { connectShaper, startShaper, stopShaper } from '../../../src/lab/wan/index.ts'
import { readRecord, shapersOf } from '../../../src/lab/wan/record.ts'
import { NearsideError } from '../../../src/lib/errors.ts'
import { isAlive, lookAt, signal, usage } from '../../../src/lib/proc.ts'
import { type Line, lineMissing, startLine } from '../../support/lab/line.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'

const router = `nearside-wan-${process.pid}-router`
const root = () => locateEngineRoot().path
const code = (expected: string) => (error: unknown) =>
  error instanceof NearsideError && error.code === expected

suite('a shaper', { skip: lineMissing() ?? false }, () => {
  let line: Line
  before(async () => {
    line = await startLine()
  })
  after(() => line?.close())

  const record = () => readRecord(line.folder)!

  test('has dropped root, has its own session, and is identified by its folder', () => {
    const one = lookAt(record().pid)!
    assert.equal(one.startTicks, record().startTicks)
    assert.equal(one.session, one.pid)
    assert.equal(one.variable('NEARSIDE_FOLDER'), line.folder)
    const status = readFileSync(`/proc/${one.pid}/status`, 'utf8')
    assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m)
    assert.match(status, /^Gid:\t65534\t65534\t65534\t65534$/m)
    assert.match(status, /^Groups:\s*$/m)
    assert.match(status, /^CapEff:\t0+$/m)
    assert.match(status, /^CapPrm:\t0+$/m)
    assert.match(status, /^NoNewPrivs:\t1$/m)
  })

  test('accepts only its owner', () => {
    assert.equal(statSync(line.folder).mode & 0o777, 0o700)
    for (const file of readdirSync(line.folder))
      assert.equal(statSync(join(line.folder, file)).mode & 0o777, 0o600, file)
  })

  test('that already runs is not restarted', async () => {
    const before = record()
    await line.startShaper()
    assert.deepEqual(record(), before)
    assert.ok(isAlive(before))
  })

  test('uses no CPU time while idle', async () => {
    await line.shaper.totals()
    const before = usage(record())!.cpuSeconds
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const used = usage(record())!.cpuSeconds - before
    assert.ok(used <= 0.02, `${used} s in a second`)
  })

  test('survives when its starter is killed', async () => {
    const folder = join(temporaryFolder('wan'), 'other')
    const starter = spawn(
      process.execPath,
      [
        '--input-type=module-typescript',
        '-e',
        `import { startShaper } from ${JSON.stringify(new URL('../../../src/lab/wan/index.ts', import.meta.url).href)}
await startShaper(${JSON.stringify({ namespace: router, device: 'wan2', folder, root: root() })})
console.log('started')
setInterval(() => undefined, 1000)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await once(starter.stdout, 'data')
    starter.kill('SIGKILL')
    await once(starter, 'exit')
    try {
      const shaper = await connectShaper(folder)
      assert.equal((await shaper.totals()).unknown, 0)
      shaper.close()
      // Even without a record.
      await rm(join(folder, 'shaper.json'))
      assert.equal(shapersOf(folder).length, 1)
    } finally {
      await stopShaper(folder)
    }
    assert.deepEqual(shapersOf(folder), [])
    assert.throws(() => line.ip('router', 'link', 'show', 'wan2'))
  })

  test('exits when its folder is gone', async () => {
    const folder = join(temporaryFolder('wan'), 'removed')
    await startShaper({ namespace: router, device: 'wan3', folder, root: root() })
    const [id] = shapersOf(folder)
    await rm(folder, { recursive: true })
    await until('it to exit', () => !isAlive(id!))
    assert.throws(() => line.ip('router', 'link', 'show', 'wan3'))
  })

  test('exits when its device is gone', async () => {
    const folder = join(temporaryFolder('wan'), 'no-device')
    await startShaper({ namespace: router, device: 'wan6', folder, root: root() })
    const [id] = shapersOf(folder)
    line.ip('router', 'link', 'del', 'wan6')
    await until('it to exit', () => !isAlive(id!))
    await stopShaper(folder)
  })

  test('exits when its namespace has been removed, which it would keep alive', async () => {
    const folder = join(temporaryFolder('wan'), 'no-namespace')
    const namespace = `nearside-wan-${process.pid}-short`
    await ip(['netns', 'add', namespace])
    try {
      await startShaper({ namespace, device: 'wan', folder, root: root() })
    } finally {
      await ip(['netns', 'del', namespace])
    }
    await until('it to exit', () => shapersOf(folder).length === 0)
    await stopShaper(folder)
  })

  test('can be reached in a folder with a long path', async () => {
    const folder = join(temporaryFolder('wan'), 'x'.repeat(200))
    await startShaper({ namespace: router, device: 'wan4', folder, root: root() })
    try {
      const shaper = await connectShaper(folder)
      assert.deepEqual(await shaper.stats(), [])
      shaper.close()
    } finally {
      await stopShaper(folder)
    }
  })

  test('that was killed or hangs is replaced by the next start and stopped by the next stop', async () => {
    const killed = record()
    signal(killed, 'SIGKILL')
    await until('it to be gone', () => !isAlive(killed))
    await assert.rejects(line.shaper.stats(), code('wan_gone'))
    await assert.rejects(connectShaper(line.folder), code('wan_not_running'))
    await line.startShaper()
    assert.notEqual(record().pid, killed.pid)
    const next = await connectShaper(line.folder)
    assert.deepEqual(await next.stats(), [])
    next.close()
    signal(record(), 'SIGSTOP')
    await stopShaper(line.folder)
    await line.startShaper()
  })

  test('concurrent starts result in one shaper', async () => {
    await stopShaper(line.folder)
    await Promise.allSettled([line.startShaper(), line.startShaper()])
    await line.startShaper()
    assert.equal(shapersOf(line.folder).length, 1)
  })

  test('stop leaves only the log, and can be repeated', async () => {
    const before = record()
    await stopShaper(line.folder)
    assert.ok(!isAlive(before))
    assert.deepEqual(readdirSync(line.folder), ['shaper.log'])
    assert.throws(() => line.ip('router', 'link', 'show', 'wan'))
    await stopShaper(line.folder)
  })

  test('does not start without its namespace or compiler, and the error names the cause', async () => {
    const folder = join(temporaryFolder('wan'), 'none')
    await assert.rejects(
      startShaper({ namespace: 'nearside-nowhere', device: 'wan', folder, root: root() }),
      code('wan_no_namespace'),
    )
    await assert.rejects(
      startShaper({ namespace: router, device: 'wan', folder, root: '/nowhere' }),
      code('wan_no_compiler'),
    )
    await assert.rejects(
      startShaper({ namespace: router, device: 'a-name-that-is-too-long', folder, root: root() }),
      code('wan_device'),
    )
    assert.deepEqual(shapersOf(folder), [])
  })

  /** Starts one in a process with fewer privileges than root; returns the error. */
  async function startWithout(
    ...prefix: string[]
  ): Promise<{ code: string; message: string; remedy: string }> {
    const folder = join(temporaryFolder('wan'), 'poor')
    const script = join(temporaryFolder('wan'), 'start.ts')
    await writeFile(
      script,
      `import { startShaper } from ${JSON.stringify(new URL('../../../src/lab/wan/index.ts', import.meta.url).href)}
try {
  await startShaper(${JSON.stringify({ namespace: router, device: 'wan5', folder, root: root() })})
  console.log('{"code":"started"}')
} catch ({ code, message, remedy }) {
  console.log(JSON.stringify({ code, message, remedy }))
}`,
    )
    const [file, ...args] = [...prefix, process.execPath, script]
    const { stdout } = await promisify(execFile)(file!, args)
    assert.deepEqual(shapersOf(folder), [])
    return JSON.parse(stdout)
  }

  test('names a missing capability in the error', async () => {
    const admin = await startWithout('setpriv', '--bounding-set', '-net_admin')
    assert.equal(admin.code, 'wan_forbidden')
    assert.match(`${admin.message} ${admin.remedy}`, /CAP_NET_ADMIN/)
    const enter = await startWithout('setpriv', '--bounding-set', '-sys_admin')
    assert.equal(enter.code, 'wan_forbidden')
    assert.match(enter.message, /CAP_SYS_ADMIN/)
  })

  test('names a missing /dev/net/tun in the error', async () => {
    const none = await startWithout(
      'unshare',
      '--mount',
      'sh',
      '-c',
      'mount -t tmpfs none /dev/net && exec "$@"',
      '--',
    )
    assert.equal(none.code, 'wan_no_tun')
    assert.match(none.remedy, /modprobe tun/)
  })

  test('reports that it needs root', async () => {
    const poor = await startWithout('unshare', '--user', '--map-user=1000')
    assert.equal(poor.code, 'lab_not_root')
  })
})
