import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { PrimaryWriteCheck } from '../../../src/agent/database/primary-write-check.ts'
import { identify, signal, withDescendants } from '../../../src/lib/proc.ts'
import { startPostgres } from '../../support/postgres.ts'
import { freeEndpoint, until } from '../../support/sandboxed.ts'

function feel(
  t: TestContext,
  endpoint: { host: string; port: number },
  leads = () => true,
): PrimaryWriteCheck {
  const writeCheck = new PrimaryWriteCheck({ ...endpoint, password: 'any', leads })
  writeCheck.start()
  t.after(() => writeCheck.stop())
  return writeCheck
}

/** Each of them waits most of its time for silence. */
describe('the writeCheck of the local primary', { concurrency: true }, () => {
  test('is there while PostgreSQL answers, gone when it hangs, and back when it goes on', async (t) => {
    const postgres = await startPostgres()
    t.after(() => postgres.stop())
    await postgres.query('CREATE ROLE monitor LOGIN')
    const writeCheck = feel(t, postgres)
    const all = () => withDescendants([postgres.pid]).flatMap((pid) => identify(pid) ?? [])
    await until('a session', async () => {
      const found = await postgres.query(
        `SELECT 1 FROM pg_stat_activity WHERE application_name = 'nearside-writeCheck'`,
      )
      return found.length > 0
    })
    assert.equal(writeCheck.unresponsiveMs, 0)

    const paused = all()
    for (const one of paused) signal(one, 'SIGSTOP')
    const startedMs = performance.now()
    await until('silence', () => writeCheck.unresponsiveMs > 0)
    const tookMs = performance.now() - startedMs
    // Three tries of 1.5 s: one that hung may have been this process.
    assert.ok(tookMs > 4000, `${tookMs} ms`)
    assert.ok(writeCheck.unresponsiveMs > 4000)
    for (const one of paused) signal(one, 'SIGCONT')
    await until('an answer', () => writeCheck.unresponsiveMs === 0)
  })

  test('an error is an answer: what refuses connections, or this user, does not hang', async (t) => {
    const nobody = await freeEndpoint()
    const refused = feel(t, nobody)
    const postgres = await startPostgres()
    t.after(() => postgres.stop())
    const unknown = feel(t, postgres)
    await new Promise((resolve) => setTimeout(resolve, 6000))
    assert.equal(refused.unresponsiveMs, 0)
    assert.equal(unknown.unresponsiveMs, 0)
  })

  test('a server that accepts and says nothing hangs; where nobody leads, nobody is asked', async (t) => {
    const endpoint = await freeEndpoint()
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
    })
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    await new Promise<void>((resolve) => server.listen(endpoint.port, endpoint.host, resolve))
    const replica = feel(t, endpoint, () => false)
    const primary = feel(t, endpoint)
    await until('silence', () => primary.unresponsiveMs > 0)
    assert.equal(replica.unresponsiveMs, 0)
  })
})
