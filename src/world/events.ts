import { setTimeout as sleep } from 'node:timers/promises'
import type { EventKind } from '../agent/coordination/event-kinds.ts'
import { type Event, eventEntry, eventKind, eventsAmong } from '../agent/coordination/keys/event.ts'
import { worldRoot } from '../agent/coordination/keys/kind.ts'
import { NearsideError } from '../lib/errors.ts'
import { etcdOf } from './etcd.ts'
import type { WorldHandle } from './handle.ts'

/** Asks all agents at the same time and returns the first answer, or reads etcd if none answers. */
export async function eventsOf(world: WorldHandle): Promise<Event[]> {
  try {
    return await Promise.any(
      world.regions.map(async (region) =>
        eventsAmong(await world.call<unknown>(region, 'GET', '/v1/events', undefined, 2000)),
      ),
    )
  } catch {
    return fromEtcd(world)
  }
}

/** A command that an operator ran. `regions`: those that it starts, stops or kills. */
type OperatorCommand = 'start' | 'stop' | 'kill' | 'revive' | 'restart'

/** Records a command of an operator. Waits at most a second: after a total loss etcd takes no event. */
export async function recordCommand(
  world: WorldHandle,
  command: OperatorCommand,
  regions: readonly string[],
  more: { process?: string } = {},
): Promise<void> {
  const [region] = regions
  if (region === undefined) return
  const recorded = recordEvent(world, { kind: 'operator', region, detail: { command, regions, ...more } })
  await Promise.race([recorded, sleep(commandEventMs, undefined, { ref: false })])
}

const commandEventMs = 1000

/** Records what this command does to the world. Never fails: events are only for operators. */
export async function recordEvent(
  world: WorldHandle,
  event: { kind: EventKind; region: string; detail: Record<string, unknown> },
): Promise<void> {
  const { key, value } = eventEntry(world.record.topology.name, { at: Date.now(), ...event }, process.pid)
  await etcdOf(world)
    .put(key, value)
    .catch(() => undefined)
}

async function fromEtcd(world: WorldHandle): Promise<Event[]> {
  const { name } = world.record.topology
  try {
    const found = await etcdOf(world).get(worldRoot(name) + eventKind.path, { prefix: true })
    return found.flatMap((kv) => {
      const read = eventKind.read(kv)
      return 'value' in read ? [read.value] : []
    })
  } catch (cause) {
    throw new NearsideError('events_unavailable', `${name}: neither an agent nor etcd answers`, {
      remedy: 'events are stored in etcd, which needs a majority of its members: see `nearside status`',
      cause,
    })
  }
}
