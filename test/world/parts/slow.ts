import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import { identify, signal } from '../../../src/lib/proc.ts'
import { openWorld } from '../../../src/world/handle.ts'
import { worldStatus } from '../../../src/world/status/collect.ts'
import type { WorldStatus } from '../../../src/world/status/types.ts'
import { pauseAll } from '../../support/world/processes.ts'
import type { TestWorld, Victim } from '../../support/world.ts'

/** Status while what it asks is slow, and users are served. */
export function slow(started: () => TestWorld): void {
  suite('status while writes are acknowledged', () => {
    let world: TestWorld
    before(async () => {
      world = started()
      await world.settled()
    })

    /** Takes statuses while the processes are paused; fails if one tells as a fact that writes wait or nobody serves. */
    async function during(
      what: readonly [region: string, victim: Victim][],
      times: number,
    ): Promise<WorldStatus[]> {
      const handle = await openWorld(world.folder)
      const load = world.load([...world.regions.filter((region) => region !== 'us-central')], {
        writesPerSecond: 10,
        readsPerSecond: 10,
      })
      await world.until('writes to flow', () => load.acknowledgedWrites() > 10)
      const told: WorldStatus[] = []
      for (let time = 0; time < times; time += 1) {
        const paused = await pauseAll(() =>
          what.flatMap(([region, victim]) =>
            world.victims(region, victim).flatMap((pid) => identify(pid) ?? []),
          ),
        )
        told.push(await worldStatus(handle))
        for (const one of paused) signal(one, 'SIGCONT')
        const resumedMs = performance.now()
        await world.until('writes', () => load.acknowledgedSince(resumedMs) > 3)
      }
      const attempts = await load.stop()
      assert.deepEqual(
        attempts.filter(({ outcome }) => outcome !== 'ok'),
        [],
      )
      for (const { health, problems } of told) {
        assert.notEqual(health, 'down')
        for (const { code, message } of problems) {
          assert.ok(!['no_primary', 'primary_unreachable', 'edge_unreachable'].includes(code), message)
          assert.doesNotMatch(message, /no region holds|does not answer:/)
        }
      }
      return told
    }
    const agents = (): [string, Victim][] => world.regions.map((region) => [region, { process: 'agent' }])

    test('says nothing that is not known, while every agent is suspended', async () => {
      for (const status of await during(agents(), 4)) {
        const words = status.problems.map(({ message }) => message).join('\n')
        assert.match(words, /its agent did not answer within 200 ms/)
      }
    })

    test('and every Patroni and HAProxy too: all is unknown, with who did not answer in which time', async () => {
      const silent = ['us-east', 'us-west'].flatMap((region): [string, Victim][] => [
        [region, { process: 'planned', name: 'postgres' }],
        [region, { process: 'haproxy worker' }],
      ])
      for (const status of await during([...agents(), ...silent], 3)) {
        assert.equal(status.health, 'unknown')
        assert.equal(status.primaryKnown.state, 'unknown')
        const words = status.problems.map(({ message }) => message).join('\n')
        assert.match(words, /Patroni in us-east did not answer within 150 ms/)
        assert.match(words, /us-west: its edge did not answer within 300 ms/)
      }
    })

    test('and only the primary’s Patroni is suspended, for less than its health checks notice', async () => {
      const primary = await world.find('primary')
      for (const status of await during([[primary, { process: 'planned', name: 'postgres' }]], 3))
        assert.equal(status.primary, primary)
    })
  })
}
