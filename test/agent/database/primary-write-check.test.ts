import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { PrimaryWriteCheck } from '../../../src/agent/database/primary-write-check.ts'
import { identify, signal, withDescendants } from '../../../src/lib/proc.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { startPostgres } from '../../support/postgres.ts'
import { freeEndpoint, until } from '../../support/sandboxed.ts'

/** A running check, with how often it has begun a cycle by now. */
function checking(
  t: TestContext,
  endpoint: { host: string; port: number },
  clock: ManualClock,
  leads = true,
) {
  let cycles = 0
  const writeCheck = new PrimaryWriteCheck({
    ...endpoint,
    password: 'any',
    clock,
    leads() {
      cycles += 1
      return leads
    },
  })
  writeCheck.start()
  t.after(async () => {
    const stopped = writeCheck.stop()
    // It is between two tries, or in the middle of one.
    await clock.advance(10_000)
    await stopped
  })
  return { writeCheck, cycles: () => cycles }
}

/** A try may take 1.5 s; between two tries passes less. */
const tryMs = 1500

/** The clock skips what passes between tries, and stands still during each: the server may take its time to answer. */
const answering = (clock: ManualClock, what: string, holds: () => boolean) =>
  until(what, async () => {
    if (clock.nextInMs < tryMs) await clock.advance(clock.nextInMs)
    return holds()
  })

/** The clock runs fast: the server does not answer. */
const silent = (clock: ManualClock, what: string, holds: () => boolean) =>
  until(what, async () => {
    await clock.advance(100)
    return holds()
  })

describe('the write check of the local primary', { concurrency: true }, () => {
  test('reports silence while PostgreSQL hangs, and only then', async (t) => {
    const postgres = await startPostgres()
    t.after(() => postgres.stop())
    await postgres.query('CREATE ROLE monitor LOGIN')
    const clock = new ManualClock()
    const { writeCheck } = checking(t, postgres, clock)
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
    const startedMs = clock.now()
    await silent(clock, 'silence', () => writeCheck.unresponsiveMs > 0)
    const tookMs = clock.now() - startedMs
    // Three tries of 1.5 s: one that hung may have been this process.
    assert.ok(tookMs > 4000, `${tookMs} ms`)
    assert.ok(writeCheck.unresponsiveMs > 4000)
    for (const one of paused) signal(one, 'SIGCONT')
    await answering(clock, 'an answer', () => writeCheck.unresponsiveMs === 0)
  })

  test('takes an error for an answer: a server that refuses connections, or this user, does not hang', async (t) => {
    const nobody = await freeEndpoint()
    const postgres = await startPostgres()
    t.after(() => postgres.stop())
    for (const endpoint of [nobody, postgres]) {
      const clock = new ManualClock()
      const { writeCheck, cycles } = checking(t, endpoint, clock)
      await answering(clock, 'more tries than silence takes', () => cycles() > 4)
      assert.equal(writeCheck.unresponsiveMs, 0)
    }
  })

  test('reports a server that accepts connections and never answers; without the lead it asks nobody', async (t) => {
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
    const clock = new ManualClock()
    const replica = checking(t, endpoint, clock, false)
    const primary = checking(t, endpoint, clock)
    await silent(clock, 'silence', () => primary.writeCheck.unresponsiveMs > 0)
    assert.ok(replica.cycles() > 3)
    assert.equal(replica.writeCheck.unresponsiveMs, 0)
  })
})
