import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { PrimaryWriteCheck } from '../../../src/agent/database/primary-write-check.ts'
import { identify, signal, withDescendants } from '../../../src/lib/proc.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { startPostgres } from '../../support/postgres.ts'
import { freeEndpoint, until } from '../../support/sandboxed.ts'

/** A running check, with the number of cycles that it has begun. */
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
    // The check is between two attempts, or in the middle of one.
    await clock.advance(10_000)
    await stopped
  })
  return { writeCheck, cycles: () => cycles }
}

/** Timeout of an attempt, 1.5 s; pauses between attempts are shorter. */
const attemptMs = 1500

/** Skips the pauses between attempts and stops the clock during each, so that the server has time to answer. */
const answering = (clock: ManualClock, what: string, holds: () => boolean) =>
  until(what, async () => {
    if (clock.nextInMs < attemptMs) await clock.advance(clock.nextInMs)
    return holds()
  })

/** Runs the clock fast, for a server that does not answer. */
const unanswered = (clock: ManualClock, what: string, holds: () => boolean) =>
  until(what, async () => {
    await clock.advance(100)
    return holds()
  })

describe('the write check of the local primary', { concurrency: true }, () => {
  test('reports the primary as unresponsive while PostgreSQL hangs, and only then', async (t) => {
    const postgres = await startPostgres()
    t.after(() => postgres.stop())
    await postgres.query('CREATE ROLE monitor LOGIN')
    const clock = new ManualClock()
    const { writeCheck } = checking(t, postgres, clock)
    const all = () => withDescendants([postgres.pid]).flatMap((pid) => identify(pid) ?? [])
    await until('a session', async () => {
      const found = await postgres.query(
        `SELECT 1 FROM pg_stat_activity WHERE application_name = 'nearside-write-check'`,
      )
      return found.length > 0
    })
    assert.equal(writeCheck.unresponsiveMs, 0)

    const paused = all()
    for (const one of paused) signal(one, 'SIGSTOP')
    const startedMs = clock.now()
    await unanswered(clock, 'unresponsiveMs', () => writeCheck.unresponsiveMs > 0)
    const tookMs = clock.now() - startedMs
    // Three attempts of 1.5 s, because a single timeout may be due to a pause of this process.
    assert.ok(tookMs > 4000, `${tookMs} ms`)
    assert.ok(writeCheck.unresponsiveMs > 4000)
    for (const one of paused) signal(one, 'SIGCONT')
    await answering(clock, 'an answer', () => writeCheck.unresponsiveMs === 0)
  })

  test('counts an error as an answer: a server that refuses connections or this user does not hang', async (t) => {
    const unused = await freeEndpoint()
    const postgres = await startPostgres()
    t.after(() => postgres.stop())
    for (const endpoint of [unused, postgres]) {
      const clock = new ManualClock()
      const { writeCheck, cycles } = checking(t, endpoint, clock)
      await answering(clock, 'more attempts than needed', () => cycles() > 4)
      assert.equal(writeCheck.unresponsiveMs, 0)
    }
  })

  test('reports a server that accepts connections and never answers, and checks nothing without the lead', async (t) => {
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
    await unanswered(clock, 'unresponsiveMs', () => primary.writeCheck.unresponsiveMs > 0)
    assert.ok(replica.cycles() > 3)
    assert.equal(replica.writeCheck.unresponsiveMs, 0)
  })
})
