import { setTimeout as delay } from 'node:timers/promises'
import { ask, type Server } from '../../src/engines/knot/ask.ts'
import type { KnotMap } from '../../src/engines/knot/map.ts'
import type { Net } from '../../src/geo/cover.ts'

export type Probe = { net: Net; addresses: readonly string[] }

/** About `count` networks of both families, evenly spaced in the map. */
export function sample({ nets, answers }: KnotMap, count: number): Probe[] {
  const all = [...nets()]
  const step = Math.max(1, Math.floor(all.length / count))
  return all.filter((_, index) => index % step === 0).map((net) => ({ net, addresses: answers[net.value]! }))
}

/** The server's answer for a user of the network; undefined if it does not answer. */
export async function answerOf(
  server: Server,
  domain: string,
  { value: _, ...subnet }: Net,
): Promise<{ addresses: string; scope: number | undefined } | undefined> {
  const reply = await ask(server, { name: domain, type: 'A', subnet }, { timeoutMs: 1000 })
  if (reply?.code !== 0) return undefined
  const addresses = reply.records.map(({ data }) => data).sort()
  return { addresses: addresses.join(), scope: reply.scope }
}

export async function isRight(server: Server, domain: string, { net, addresses }: Probe): Promise<boolean> {
  return (await answerOf(server, domain, net))?.addresses === [...addresses].sort().join()
}

/** Some servers take long to read a large map. */
const readMapTimeoutMs = 120_000

/** Waits until it answers from this map; throws if it exits. */
export async function untilAnswering(
  { name, server, output }: { name: string; server: Server; output(): string },
  map: KnotMap,
  hasEnded: () => boolean,
): Promise<void> {
  const probes = sample(map, 4)
  const deadline = performance.now() + readMapTimeoutMs
  for (;;) {
    const right = await Promise.all(probes.map((probe) => isRight(server, map.domain, probe)))
    if (right.every(Boolean)) return
    if (hasEnded() || performance.now() > deadline)
      throw new Error(
        `${name} ${hasEnded() ? 'has exited' : 'does not answer correctly'}:\n${output().slice(-4000)}`,
      )
    await delay(10)
  }
}
