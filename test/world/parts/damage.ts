import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import { damageOf } from '../../../src/agent/coordination/keys/all.ts'
import { readWorld } from '../../../src/agent/layout.ts'
import { openWorld } from '../../../src/world/handle.ts'
import { worldStatus } from '../../../src/world/status/collect.ts'
import { type Fault, failuresOutside } from '../../support/world/history.ts'
import { tell } from '../../support/world/tell.ts'
import type { TestWorld } from '../../support/world.ts'

/** Values in etcd that somebody has damaged. */
export function damage(started: () => TestWorld): void {
  suite('a damaged value in etcd', () => {
    let world: TestWorld
    before(async () => {
      world = started()
      await world.settled()
    })
    const status = async () => worldStatus(await openWorld(world.folder))
    const named = async () =>
      (await status()).problems.filter(({ code }) => code === 'state_damaged').map(({ message }) => message)
    const values = [
      'not JSON',
      '[1]',
      '{}',
      'x'.repeat(1_500_000),
      '{"kind":"paused","state":"paused","scope":{"kind":"tag"}}',
      '\u0000\ufffd\u001b[2J',
    ]

    test('under any key, one after the other and all at once: users are served, a region fails over, releases and purges work, and each is named until it heals or is removed', async (t) => {
      const primary = await world.find('primary')
      const survivor = await world.find('replica')
      await world.hasSettled(primary)
      const { run, topology } = await readWorld(world.folder)
      const root = `/nearside/${topology.name}/`
      const etcd = world.etcd('us-central')
      const heals = [`agents/${primary}`, `agents/${survivor}`, 'steering/table', 'purges/head']
      const stays = [
        'agents/nowhere',
        `health/${survivor}`,
        'releases/0',
        'claims/77',
        'purges/list/000000000000',
        'events/0',
      ]
      const load = world.load([primary, survivor], { writesPerSecond: 10, readsPerSecond: 20 })
      await world.until('writes to flow', () => load.acknowledgedWrites() > 20)
      for (const name of [...heals, ...stays, `served/${survivor}`, `releases/${run}`])
        for (const value of values) {
          await etcd.put(root + name, value)
          const putMs = performance.now()
          await world.until(`writes with a damaged ${name}`, () =>
            [primary, survivor].every((edge) => load.acknowledgedSince(putMs, edge) > 2),
          )
        }
      for (const name of stays)
        await world.until(`status to name ${name}`, async () =>
          (await named()).some((message) => message.startsWith(`${root}${name} in etcd is damaged (`)),
        )
      const isDamaged = async (name: string) => {
        const [found] = await etcd.get(root + name)
        return found !== undefined && damageOf(found, root) !== undefined
      }
      assert.match(await world.cli([], 'purge', '--all'), /purged/)
      for (const name of [...heals, `releases/${run}`])
        await world.until(`${name} to heal`, async () => !(await isDamaged(name)))
      // Every instance waits for the release of this run.
      const fromMs = performance.now()
      await world.cli([], 'restart', survivor, 'app-0')
      const restart = { fromMs, toMs: performance.now() }
      const agents = await Promise.all([primary, survivor].map((region) => world.status(region)))
      assert.ok(agents.every((one) => one?.etcd.error === undefined && one?.cycleError === undefined))
      await load.stop()
      // Requests that the restarted instance was answering.
      assert.deepEqual(failuresOutside(load.attempts, restart), [])

      // With all of that still there, and a claim to the very failover.
      const later = world.load([survivor], { writesPerSecond: 10, readsPerSecond: 20 })
      await world.until('writes to flow', () => later.acknowledgedWrites() > 10)
      const [leader] = await etcd.get(`/service/${topology.name}/leader`)
      if (leader) await etcd.put(`${root}claims/${leader.lease}`, '{"by":')
      const fault = await world.killRegion(primary)
      await world.until('writes after the primary was lost', () => later.acknowledgedSince(fault.toMs) > 20)
      const events = await world.cli([], 'events')
      assert.match(events, /failover: moving the primary away from/)
      await later.stop()
      tell(t, later.attempts, fault)
      await world.cli([], 'revive', primary)

      await world.cli([], 'doctor', '--fix', '--yes').catch(() => undefined)
      await world.until('nothing to be named', async () => (await named()).length === 0)
      for (const name of stays) assert.equal(await isDamaged(name), false, name)
      await world.settled()
      assert.deepEqual(await world.check(), [])
    })

    test('under a key of Patroni: it writes the record of sync standbys again, and a request that nobody can read moves nothing', async () => {
      const primary = await world.find('primary')
      const survivor = await world.find('replica')
      const { topology } = await readWorld(world.folder)
      const etcd = world.etcd('us-central')
      const load = world.load([primary, survivor], { writesPerSecond: 10, readsPerSecond: 20 })
      for (const name of ['sync', 'failover'])
        for (const value of ['{"x":', '[1]', '\u0000\ufffd']) {
          const key = `/service/${topology.name}/${name}`
          await etcd.put(key, value)
          const putMs = performance.now()
          if (name === 'sync')
            await world.until('Patroni to replace it', async () => (await etcd.get(key))[0]?.value !== value)
          await world.until('writes', () => load.acknowledgedSince(putMs) > 10)
        }
      await load.stop()
      assert.deepEqual(failuresOutside(load.attempts), [])
      await world.settled()
      assert.equal(await world.find('primary'), primary)
    })

    test('under Patroni’s leader key: an agent removes it, and it costs no more than a failover', async () => {
      const edges = [await world.find('primary'), await world.find('replica')]
      const { topology } = await readWorld(world.folder)
      const etcd = world.etcd('us-central')
      const key = `/service/${topology.name}/leader`
      const faults: Fault[] = []
      const load = world.load(edges, { writesPerSecond: 10, readsPerSecond: 20 })
      for (const value of ['garbage', '', '{"x":']) {
        const fromMs = performance.now()
        await etcd.put(key, value)
        await world.until('a leader', async () =>
          world.regions.includes((await etcd.get(key))[0]?.value ?? ''),
        )
        const toMs = performance.now()
        faults.push({ fromMs, toMs })
        await world.until('writes', () => edges.every((edge) => load.acknowledgedSince(toMs, edge) > 10))
        await world.settled()
      }
      await load.stop()
      // The old primary's sessions end once it has stepped down, which may be a moment after the new one leads.
      const ended = faults.map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs + 5000 }))
      assert.deepEqual(failuresOutside(load.attempts, ...ended), [])
      for (const { toMs, fromMs } of faults)
        assert.ok(toMs - fromMs < 10_000, `${toMs - fromMs} ms without a leader`)
      assert.deepEqual(await world.check(), [])
    })
  })
}
