import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { EtcdRefusal } from '../../src/lib/etcd/request.ts'
import { Etcd } from '../../src/lib/etcd.ts'
import { startEtcd, type TestEtcd } from '../support/etcd.ts'
import { until } from '../support/sandboxed.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

describe('one member, before authentication', () => {
  let cluster: TestEtcd
  let etcd: Etcd
  before(async () => {
    cluster = await startEtcd(1)
    etcd = cluster.client()
  })
  after(() => cluster?.stop())

  const values = async (key: string) => (await etcd.get(key, { prefix: true })).map(({ value }) => value)

  test('a client with a password also works while authentication is off', async () => {
    await etcd.put('/a', 'one')
    assert.deepEqual(await values('/a'), ['one'])
  })

  test('keys and values may be any text', async () => {
    await etcd.put('/ключ/"\n', '値 \0 "}')
    const [found] = await etcd.get('/ключ/"\n')
    assert.equal(found?.key, '/ключ/"\n')
    assert.equal(found?.value, '値 \0 "}')
    assert.equal(found?.lease, '0')
  })

  test('a prefix selects exactly the keys that begin with it, in order', async () => {
    for (const key of ['/p', '/p/', '/p/b', '/p/a', '/p0', '/p/z/z', '/q']) await etcd.put(key, key)
    assert.deepEqual(await values('/p/'), ['/p/', '/p/a', '/p/b', '/p/z/z'])
    await etcd.delete('/p/', { prefix: true })
    assert.deepEqual(await values('/p'), ['/p', '/p0'])
  })

  test('a transaction applies all or nothing and returns which', async () => {
    const put = (value: string) => [{ put: { key: '/t', value } }, { put: { key: '/t2', value } }]
    const absent = [{ key: '/t', target: 'CREATE', create_revision: '0' }] as const
    assert.equal(await etcd.transact([...absent], put('first')), true)
    assert.equal(await etcd.transact([...absent], put('second')), false)
    assert.deepEqual(await values('/t'), ['first', 'first'])
    const [{ modRevision } = { modRevision: '' }] = await etcd.get('/t')
    const stands = [
      { key: '/t', target: 'MOD', mod_revision: modRevision },
      { key: '/t', target: 'VALUE', value: 'first' },
    ] as const
    assert.equal(
      await etcd.transact([...stands], [{ delete: { key: '/t2' } }, { range: { key: '/t' } }]),
      true,
    )
    assert.equal(await etcd.transact([{ ...stands[1], value: 'other' }], put('third')), false)
    assert.deepEqual(await values('/t'), ['first'])
  })

  test('a comparison with a missing key is false', async () => {
    assert.equal(await etcd.transact([{ key: '/none', target: 'VALUE', value: '' }], []), false)
  })

  test('several ranges are read at one revision, in the order requested', async () => {
    await etcd.put('/r/1', 'x')
    await etcd.put('/s', 'y')
    const [s, none, r] = await etcd.read([{ key: '/s' }, { key: '/nothing' }, { key: '/r/', prefix: true }])
    assert.deepEqual(
      [s, none, r].map((found) => found?.map(({ value }) => value)),
      [['y'], [], ['x']],
    )
  })

  test('revoking a lease deletes its keys; an expired lease cannot be kept alive, and revoking it again is no error', async () => {
    const lease = await etcd.grantLease(60)
    await etcd.put('/l', 'held', { lease })
    assert.equal((await etcd.get('/l'))[0]?.lease, lease)
    assert.equal(await etcd.keepAlive(lease), true)
    await etcd.revokeLease(lease)
    assert.deepEqual(await etcd.get('/l'), [])
    assert.equal(await etcd.keepAlive(lease), false)
    await etcd.revokeLease(lease)
  })

  test('a put under an expired lease is refused with its gRPC code', async () => {
    const lease = await etcd.grantLease(60)
    await etcd.revokeLease(lease)
    await assert.rejects(etcd.put('/l', 'late', { lease }), (error: EtcdRefusal) => {
      assert.ok(error instanceof EtcdRefusal)
      assert.equal(error.code, 'etcd_refused')
      assert.match(error.message, /requested lease not found/)
      return true
    })
  })

  test('a write whose answer is lost is not sent again: the caller must find out whether it was applied', async () => {
    const [host, port] = cluster.endpoints[0]!.slice('http://'.length).split(':')
    const proxy = await startTcpProxy({ host: host!, port: Number(port) })
    try {
      const lossy = cluster.client({
        endpoints: [`http://${proxy.host}:${proxy.port}`, ...cluster.endpoints],
      })
      const key = '/once'
      proxy.loseAnswerTo(Buffer.from(key).toString('base64'))
      await assert.rejects(lossy.put(key, 'sent'), { code: 'etcd_unreachable' })
      const [found] = await until('the write to be there', async () => {
        const there = await etcd.get(key)
        return there.length > 0 ? there : undefined
      })
      assert.equal(found?.createRevision, found?.modRevision)
      // A read may be repeated.
      proxy.loseAnswerTo(Buffer.from(key).toString('base64'))
      const again = cluster.client({
        endpoints: [`http://${proxy.host}:${proxy.port}`, ...cluster.endpoints],
      })
      assert.equal((await again.get(key))[0]?.value, 'sent')
    } finally {
      await proxy.stop()
    }
  })

  test('a server that is not etcd gives another error than one that refuses', async () => {
    const server = createServer((_, response) => response.end('<html>'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    try {
      const client = cluster.client({ endpoints: [`http://127.0.0.1:${port}`] })
      await assert.rejects(client.get('/a'), /answer is not JSON/)
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })
})

describe('three members with authentication', () => {
  let cluster: TestEtcd
  before(async () => {
    cluster = await startEtcd(3)
  })
  after(() => cluster?.stop())

  test('every region may turn it on at the same time, and again', async () => {
    const early = cluster.client()
    await early.put('/early', 'open')
    await Promise.all(
      [0, 1, 2, 0, 1, 2].map((member) =>
        until('authentication', async () => {
          await cluster.client({ endpoints: [cluster.endpoints[member]!] }).enableAuth()
          return true
        }),
      ),
    )
    await cluster.client().enableAuth()
    // A client that started without a password keeps working.
    await early.put('/early', 'closed')
    assert.equal((await early.get('/early'))[0]?.value, 'closed')
  })

  test('without the right password, nothing can be read or written', async () => {
    const nobody = cluster.client({ username: undefined, password: undefined })
    const stranger = cluster.client({ password: 'guessed' })
    for (const client of [nobody, stranger]) {
      await assert.rejects(client.get('/early'), { code: 'etcd_refused' })
      await assert.rejects(client.put('/early', 'stolen'), { code: 'etcd_refused' })
    }
    await assert.rejects(
      stranger.enableAuth().then(() => stranger.get('/early')),
      { code: 'etcd_refused' },
    )
    assert.equal((await cluster.client().get('/early'))[0]?.value, 'closed')
  })

  test('an error never contains a password', async () => {
    const stranger = cluster.client({ password: 'guessed-secret' })
    const error = await stranger.get('/early').catch((error: Error) => error)
    assert.doesNotMatch(JSON.stringify(error, Object.getOwnPropertyNames(error)), /guessed-secret/)
  })

  test('clients log in again after a member restart, for reads and writes', async () => {
    const client = cluster.client({ endpoints: [cluster.endpoints[0]!] })
    await client.put('/k', 'before')
    await cluster.kill(0)
    await cluster.restart(0)
    await client.put('/k', 'after')
    assert.equal((await client.get('/k'))[0]?.value, 'after')
  })

  test('reads and writes skip a dead member', async () => {
    await cluster.kill(0)
    try {
      const client = cluster.client()
      await until('the others to have a leader', async () => {
        await client.put('/passed', 'over')
        return true
      })
      const fresh = cluster.client()
      await fresh.put('/passed', 'again')
      assert.equal((await fresh.get('/passed'))[0]?.value, 'again')
    } finally {
      await cluster.restart(0)
    }
  })

  test('a hung member delays one read by its share of the timeout and fails at most one write', async () => {
    const reader = cluster.client()
    const writer = cluster.client()
    await Promise.all([reader.get('/k'), writer.get('/k')])
    cluster.pause(0)
    try {
      await until('the others to have a leader', async () => {
        await cluster.client({ endpoints: cluster.endpoints.slice(1) }).put('/k', 'others')
        return true
      })
      assert.equal((await reader.get('/k'))[0]?.value, 'others')
      // It may still be written once the member wakes up.
      await assert.rejects(writer.put('/late', 'lost'), { code: 'etcd_unreachable' })
      // The next write goes to another member.
      await writer.put('/k', 'next')
    } finally {
      cluster.resume(0)
    }
    await until('it to catch up', async () => {
      const own = cluster.client({ endpoints: [cluster.endpoints[0]!] })
      return (await own.get('/k'))[0]?.value === 'next'
    })
  })

  test('a minority answers serializable reads and nothing else', async () => {
    const alone = cluster.client({ endpoints: [cluster.endpoints[2]!] })
    await alone.get('/k')
    cluster.pause(0)
    cluster.pause(1)
    try {
      assert.equal((await alone.get('/k', { serializable: true }))[0]?.value, 'next')
      await assert.rejects(alone.get('/k'), { code: 'etcd_unreachable' })
      await assert.rejects(alone.put('/k', 'never'), { code: 'etcd_unreachable' })
    } finally {
      cluster.resume(0)
      cluster.resume(1)
    }
    await until('a majority', async () => (await alone.get('/k')).length === 1)
  })

  test('only the leader moves leadership, and it moves it to the named member', async () => {
    const at = (name: string) => cluster.client({ endpoints: [cluster.endpoints[Number(name.slice(1))]!] })
    const led = async () => {
      const { idByName, leader } = await cluster.client().members()
      return { idByName, name: Object.keys(idByName).find((name) => idByName[name] === leader)! }
    }
    const { idByName, name } = await until('a leader', async () => ((await led()).name ? led() : undefined))
    const [to, third] = Object.keys(idByName).filter((other) => other !== name)
    await assert.rejects(at(third!).moveLeader(idByName[to!]!), /not leader/)
    await at(name).moveLeader(idByName[to!]!)
    await until(`${to} to lead`, async () => (await led()).name === to)
  })
})

test('a write is not retried after a member may have acted, unless that member reports no leader', async () => {
  const asked: string[] = []
  const fake = async (name: string, message: string) => {
    const server = createServer((request, response) => {
      request.resume()
      asked.push(name)
      response.statusCode = message === '' ? 200 : 503
      response.end(JSON.stringify(message === '' ? {} : { code: 14, message }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return server
  }
  const at = (server: Awaited<ReturnType<typeof fake>>) =>
    `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const [slow, leaderless, sound] = [
    await fake('slow', 'etcdserver: request timed out'),
    await fake('leaderless', 'etcdserver: no leader'),
    await fake('sound', ''),
  ]
  try {
    const first = new Etcd({ endpoints: [at(slow), at(sound)] })
    await assert.rejects(first.put('/k', 'v'), { code: 'etcd_unreachable' })
    await first.put('/k', 'v')
    assert.deepEqual(asked.splice(0), ['slow', 'sound'])
    await new Etcd({ endpoints: [at(leaderless), at(sound)] }).put('/k', 'v')
    await new Etcd({ endpoints: [at(slow), at(sound)] }).get('/k')
    assert.deepEqual(asked, ['leaderless', 'sound', 'slow', 'sound'])
  } finally {
    for (const server of [slow, leaderless, sound]) {
      server.close()
      server.closeAllConnections()
    }
  }
})

test('a client moved to a far member returns to the nearest healthy one without risking a write', async () => {
  const asked: string[] = []
  const state = { near: 'resets' as 'resets' | 'is unhealthy' | 'is healthy' }
  const serve = async (name: string) => {
    const server = createServer((request, response) => {
      request.resume()
      asked.push(`${name} ${request.url === '/health' ? 'health' : 'call'}`)
      if (name !== 'near' || state.near === 'is healthy') return response.end('{}')
      if (state.near === 'resets') return response.destroy()
      response.statusCode = 503
      response.end('{}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return server
  }
  const servers = [await serve('near'), await serve('middle'), await serve('far')]
  const endpoints = servers.map((one) => `http://127.0.0.1:${(one.address() as { port: number }).port}`)
  const called = () => asked.splice(0).filter((one) => one.endsWith('call'))
  try {
    const etcd = new Etcd({ endpoints, failbackCheckMs: 50 })
    await assert.rejects(etcd.put('/k', 'v'), { code: 'etcd_unreachable' })
    await etcd.put('/k', 'v')
    assert.deepEqual(called(), ['near call', 'middle call'])
    state.near = 'is unhealthy'
    for (let round = 0; round < 3; round += 1) {
      await until('the near one to be checked', async () => {
        await etcd.put('/k', 'v')
        return asked.includes('near health')
      })
      assert.ok(called().every((one) => one === 'middle call'))
    }
    state.near = 'is healthy'
    await until('the near one to be used again', async () => {
      await etcd.put('/k', 'v')
      return asked.at(-1) === 'near call'
    })
  } finally {
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
  }
})

test('setting the clock back does not make a call wait longer', async (t) => {
  const server = createServer(() => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  try {
    let wallClock = Date.UTC(2026, 0, 1)
    t.mock.method(Date, 'now', () => (wallClock -= 3_600_000))
    const etcd = new Etcd({ endpoints: [`http://127.0.0.1:${port}`], timeoutMs: 300 })
    const started = performance.now()
    await assert.rejects(etcd.get('/k'), { code: 'etcd_unreachable' })
    assert.ok(performance.now() - started < 5000)
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

test('without any reachable member, the call fails within its timeout', async () => {
  const nobody = new Etcd({ endpoints: ['http://127.99.99.99:1', 'http://127.99.99.98:1'], timeoutMs: 500 })
  await assert.rejects(nobody.get('/k'), { code: 'etcd_unreachable' })
  await assert.rejects(nobody.enableAuth(), { code: 'etcd_no_password' })
})
