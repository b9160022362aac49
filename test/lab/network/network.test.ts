import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { lackOf } from '../../../src/lab/network/abilities.ts'
import { cityNetwork } from '../../../src/lab/network/addresses.ts'
import { ip, runWith } from '../../../src/lab/network/ip.ts'
import { makeRouterNamespace } from '../../../src/lab/network/make.ts'
import { labFolder, labIds, worldFolderOf } from '../../../src/lab/network/registry.ts'
import { labNamespaces } from '../../../src/lab/network/remove.ts'
import { connectShaper, stopShaper } from '../../../src/lab/wan/index.ts'
import { readRecord } from '../../../src/lab/wan/record.ts'
import { isAlive } from '../../../src/lib/proc.ts'
import { exists, numberOf, numberOfProcess } from '../../../src/world/namespaces/enter.ts'
import { labIdOf, namespaceOf, parseNamespace } from '../../../src/world/namespaces/names.ts'
import {
  connectFrom,
  labRegions,
  roundTripMs,
  startAnswering,
  type TestNetwork,
  testNetwork,
} from '../../support/lab/networks.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'

const lack = await lackOf()
const folder = temporaryFolder('networks')
const skip = lack ? `a lab needs ${lack.what}` : false

/** Names of the host's network devices. */
const hostLinks = async () => (await ip(['-brief', 'link'])).split('\n').map((line) => line.split(/[\s@]/)[0])
const hostRoutes = () => ip(['route', 'show', 'table', 'all'])

test('a namespace’s name identifies its lab and place', () => {
  for (const place of ['router', 'internet', 1, 254] as const)
    assert.deepEqual(parseNamespace(namespaceOf('0123abcd', place)), { id: '0123abcd', place })
  for (const stranger of ['nearside-1234-router', 'nearside-0123abcd-r0', 'nearside-0123abcd-eu', 'x'])
    assert.equal(parseNamespace(stranger), undefined)
  assert.deepEqual([0, 255, 256, 32_767].map(cityNetwork), [
    '10.128.0.0/24',
    '10.128.255.0/24',
    '10.129.0.0/24',
    '10.255.255.0/24',
  ])
  for (const none of [-1, 32_768, 0.5]) assert.throws(() => cityNetwork(none), RangeError)
})

suite('the network of a lab', { skip }, () => {
  const answers = 8080
  let lab: TestNetwork
  let before_: { links: unknown; routes: string }
  const servers: Awaited<ReturnType<typeof startAnswering>>[] = []
  before(async () => {
    before_ = { links: await hostLinks(), routes: await hostRoutes() }
    lab = testNetwork(join(folder, 'a'))
    await lab.raise()
    for (const { index, name } of labRegions)
      servers.push(await startAnswering(lab.inside(index), answers, name))
  })
  after(async () => {
    for (const server of servers) server.stop()
    await lab?.close()
  })

  const [east, west, central] = labRegions as [
    (typeof labRegions)[0],
    (typeof labRegions)[0],
    (typeof labRegions)[0],
  ]

  test('has the requested round trip between two regions, within 1 ms', async (t) => {
    const shaper = await connectShaper(labFolder(lab.id))
    const links = await shaper.params()
    shaper.close()
    const delay = (from: string, to: string) =>
      links.find((link) => link.from === from && link.to === to)!.params.delayMs
    for (const [a, b] of [
      [east, west],
      [west, central],
      [central, east],
    ] as const) {
      const target = { host: b.address, port: answers }
      const [met] = await connectFrom(lab.inside(a.index), target)
      assert.equal(met?.answer, `${b.name} ${a.address}`)
      const asked = delay(a.name, b.name) + delay(b.name, a.name)
      const measured = await roundTripMs(lab.inside(a.index), target, asked)
      t.diagnostic(`${a.name} to ${b.name}: asked ${asked.toFixed(2)} ms, measured ${measured.toFixed(2)} ms`)
      assert.ok(
        Math.abs(measured - asked) < 1,
        `${a.name} to ${b.name}: asked ${asked}, measured ${measured}`,
      )
    }
  })

  test('is reachable for its operator without delay, whatever is cut', async () => {
    const shaper = await connectShaper(labFolder(lab.id))
    const links = await shaper.params()
    await shaper.set(links.map((link) => ({ ...link, params: { ...link.params, cut: true } })))
    const [cut] = await connectFrom(lab.inside(east.index), {
      host: west.address,
      port: answers,
      timeoutMs: 400,
    })
    const met = await connectFrom(lab.inside('router'), { host: west.address, port: answers, times: 3 })
    await shaper.set(links)
    shaper.close()
    assert.equal(cut?.error, 'TIMED_OUT')
    assert.equal(met[0]?.answer, 'us-west 10.77.2.254')
    assert.ok(Math.min(...met.map(({ connectMs }) => connectMs)) < 5)
  })

  test('lets users connect from any of their addresses, with the latency of their city', async () => {
    const shaper = await connectShaper(labFolder(lab.id))
    const line = { delayMs: 20, jitterMs: 0, lossShare: 0, rateBitsPerSecond: 0, cut: false }
    await shaper.places([{ place: 'city:777', prefix: cityNetwork(777) }])
    await shaper.set([
      { from: 'city:777', to: east.name, params: line },
      { from: east.name, to: 'city:777', params: line },
    ])
    shaper.close()
    const from = '10.131.9.200'
    const target = { host: east.address, port: answers, from }
    const [met] = await connectFrom(lab.inside('internet'), target)
    assert.equal(met?.answer, `us-east ${from}`)
    const measured = await roundTripMs(lab.inside('internet'), target, 40)
    assert.ok(Math.abs(measured - 40) < 1, `${measured} ms`)
  })

  test('does not answer addresses outside of all places', async () => {
    for (const from of [undefined, '10.200.0.1']) {
      const target = { host: east.address, port: answers, timeoutMs: 400, ...(from ? { from } : {}) }
      const [met] = await connectFrom(lab.inside('internet'), target)
      assert.equal(met?.error, 'TIMED_OUT')
    }
  })

  test('is isolated: it has no device or route out, and cannot reach the host', async () => {
    assert.deepEqual(await hostLinks(), before_.links)
    assert.equal(await hostRoutes(), before_.routes)
    const allowed = /^(lo|uplink|wan|r\d+|internet)$/
    for (const name of labNamespaces(lab.id)) {
      const links = JSON.parse(await ip(['-n', name, '-json', 'link'])) as { ifname: string }[]
      for (const { ifname } of links) assert.match(ifname, allowed, name)
    }
    const host = await startAnswering([], 18_080, 'host')
    const outside = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .filter((one) => one.family === 'IPv4' && !one.internal)
      .map((one) => one.address)
    try {
      for (const place of ['router', 'internet', east.index] as const)
        for (const address of ['127.0.0.1', '192.0.2.1', ...outside]) {
          const [met] = await connectFrom(lab.inside(place), { host: address, port: 18_080, timeoutMs: 300 })
          assert.match(
            met?.error ?? '',
            /^(ENETUNREACH|ECONNREFUSED|TIMED_OUT|EHOSTUNREACH)$/,
            `${place} to ${address}`,
          )
        }
    } finally {
      host.stop()
    }
  })

  test('refuses a name server in the users’ network immediately, because programs resolve names at start', async () => {
    const code = `require('dgram').createSocket('udp4').connect(Number(process.argv[1]), '10.255.255.53', (error) => {
      console.log(error?.code ?? 'sent'); process.exit() })`
    const ask = async (port: string) => {
      const command = [...lab.inside(east.index), process.execPath, '-e', code, port]
      return (await runWith(command)).stdout.trim()
    }
    assert.match(await ask('53'), /^E(NET|HOST)UNREACH$/)
    assert.equal(await ask('5300'), 'sent')
  })

  test('is isolated from another lab with the same addresses', async () => {
    const other = testNetwork(join(folder, 'b'))
    try {
      assert.notEqual(other.id, lab.id)
      await other.raise()
      const server = await startAnswering(other.inside(east.index), answers, 'other')
      const ask = async (one: TestNetwork) =>
        (await connectFrom(one.inside('router'), { host: east.address, port: answers }))[0]?.answer?.split(
          ' ',
        )[0]
      assert.deepEqual([await ask(lab), await ask(other)], ['us-east', 'other'])
      server.stop()
    } finally {
      await other.close()
    }
    assert.deepEqual(labNamespaces(other.id), [])
    const met = await connectFrom(lab.inside(east.index), { host: west.address, port: answers })
    assert.equal(met[0]?.answer, 'us-west 10.77.1.1')
  })

  test('is not recreated if complete, and a changed link stays changed', async () => {
    const shaper = await connectShaper(labFolder(lab.id))
    const link = (await shaper.params()).find(({ from, to }) => from === east.name && to === west.name)!
    await shaper.set([{ ...link, params: { ...link.params, delayMs: 5 } }])
    assert.deepEqual(await lab.raise(), [])
    const now = (await shaper.params()).find(({ from, to }) => from === east.name && to === west.name)!
    assert.equal(now.params.delayMs, 5)
    await shaper.set([link])
    shaper.close()
  })

  test('forwards nothing without its shaper, and missing parts are recreated', async () => {
    await stopShaper(labFolder(lab.id))
    const ask = (timeoutMs: number) =>
      connectFrom(lab.inside(east.index), { host: west.address, port: answers, timeoutMs })
    assert.equal((await ask(400))[0]?.error, 'TIMED_OUT')
    assert.deepEqual(await lab.raise(), ['shaper'])
    assert.equal((await ask(2000))[0]?.answer, 'us-west 10.77.1.1')
    servers.pop()!.stop()
    await ip(['netns', 'del', namespaceOf(lab.id, central.index)])
    await ip(['-n', namespaceOf(lab.id, west.index), 'link', 'del', 'uplink'])
    assert.deepEqual((await lab.raise()).sort(), ['us-central', 'us-west'])
    assert.equal((await ask(2000))[0]?.answer, 'us-west 10.77.1.1')
  })

  test('is removed completely, with every process in it', async () => {
    const names = labNamespaces(lab.id)
    assert.equal(names.length, 5)
    assert.equal(worldFolderOf(lab.id), lab.folder)
    const shaper = readRecord(labFolder(lab.id))!
    await lab.close()
    for (const { child } of servers) assert.ok(child.exitCode !== null || child.signalCode !== null)
    assert.deepEqual(labNamespaces(lab.id), [])
    assert.ok(!isAlive(shaper))
    assert.ok(!existsSync(labFolder(lab.id)))
    assert.ok(!labIds().includes(lab.id))
    assert.deepEqual(await hostLinks(), before_.links)
    assert.equal(await hostRoutes(), before_.routes)
  })
})

suite('removing a network while processes are in its router', { skip }, () => {
  test('kills programs, but lets a nearside command finish', async (t) => {
    const lab = testNetwork(join(folder, 'd'))
    t.after(() => lab.close())
    const router = namespaceOf(lab.id, 'router')
    await makeRouterNamespace(lab.id, lab.folder)
    /** Without a terminal. */
    const start = async (...words: string[]) => {
      const script = 'setTimeout(() => undefined, 120_000)'
      const [file, ...args] = [...lab.inside('router'), process.execPath, '--eval', script, '--', ...words]
      const child = spawn(file!, args, { stdio: 'ignore', detached: true })
      t.after(() => child.kill('SIGKILL'))
      await until('it to be inside', () => numberOfProcess(child.pid!) === numberOf(router))
      return { child, ended: once(child, 'exit') }
    }
    const program = await start('server')
    const command = await start('/opt/nearside/src/cli/main.ts', 'lab', 'down')
    await lab.close()
    await program.ended
    assert.deepEqual(labNamespaces(lab.id), [])
    assert.deepEqual([command.child.exitCode, command.child.signalCode], [null, null])
  })
})

suite('the remains of an interrupted start', { skip }, () => {
  test('are completed by the next start', async () => {
    const lab = testNetwork(join(folder, 'c'))
    try {
      // As after a reboot, if /run survives it.
      writeFileSync(`/run/netns/${namespaceOf(lab.id, 'router')}`, '')
      writeFileSync(`/run/netns/${namespaceOf(lab.id, 2)}`, '')
      assert.ok(!exists(namespaceOf(lab.id, 'router')))
      await makeRouterNamespace(lab.id, lab.folder)
      await makeRouterNamespace(lab.id, lab.folder)
      await ip(['netns', 'add', namespaceOf(lab.id, 1)])
      const router = namespaceOf(lab.id, 'router')
      await ip(['-n', router, 'tuntap', 'add', 'dev', 'wan', 'mode', 'tun'])
      await ip(['-n', router, 'rule', 'add', 'pref', '1000', 'iif', 'lo', 'lookup', 'main'])
      await ip(['-n', router, 'link', 'add', 'r1', 'type', 'veth', 'peer', 'name', 'uplink'])
      const made = await lab.raise()
      assert.deepEqual(made.sort(), ['internet', 'router', 'shaper', 'us-central', 'us-east', 'us-west'])
      const server = await startAnswering(lab.inside(1), 8080, 'east')
      const [met] = await connectFrom(lab.inside(2), { host: '10.77.1.1', port: 8080 })
      assert.equal(met?.answer, 'east 10.77.2.1')
      server.stop()
    } finally {
      await lab.close()
    }
    assert.ok(!exists(namespaceOf(labIdOf(lab.folder), 'router')))
  })
})
