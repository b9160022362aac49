import { ownPaths } from '../../engines/haproxy/layout.ts'
import type { ProbeName, Seen, View } from '../../failover/types.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { httpStatus } from '../../lib/http.ts'
import { every, Loop } from '../../lib/loop.ts'
import type { Region } from '../../topology/regions.ts'
import type { PortName, Topology } from '../../topology/schema.ts'

/**
 * Asks every other region the same few questions, again and again, and remembers since when each has had the answer
 * it has. A region is asked one question at a time over HTTP: a paused process still accepts TCP connections.
 */

type Question = {
  port: Exclude<PortName, 'app'>
  path: string
  /** What an answer of this status says; silence says no to all of them. */
  tells: Partial<Record<ProbeName, (status: number) => boolean>>
}

const isOk = (status: number) => status === 200

function questionsTo({ serves, full, votes }: Region): Question[] {
  return [
    // On the port for other regions one answer tells of two: it comes from the edge, and is about that region's own app.
    // The users' port then counts users alone.
    ...(full
      ? [{ port: 'region', path: ownPaths.ready, tells: { edge: () => true, app: isOk } } as const]
      : []),
    ...(serves && !full ? [{ port: 'http', path: ownPaths.alive, tells: { edge: isOk } } as const] : []),
    ...(full ? [{ port: 'patroni', path: '/liveness', tells: { patroni: isOk } } as const] : []),
    ...(votes ? [{ port: 'etcdClient', path: '/version', tells: { etcd: isOk } } as const] : []),
  ]
}

const graceMs = 15_000
/** A time limit that was noticed later than this says that we were held up, and nothing about who was asked. */
const lateMs = 500

type State = { ok: boolean; sinceMs: number }
type Probe = { target: Region; question: Question; loop: Loop }

export class Prober {
  readonly #topology: Topology
  readonly #from: Region
  readonly #targets: readonly Region[]
  readonly #clock: Clock
  readonly #onChange: () => void
  #startedAt = 0
  readonly #states = new Map<string, State>()
  #probes: readonly Probe[] = []

  /** `onChange`: an answer has changed. */
  constructor(
    topology: Topology,
    from: Region,
    targets: readonly Region[],
    clock: Clock = systemClock,
    onChange: () => void = () => undefined,
  ) {
    this.#onChange = onChange
    this.#topology = topology
    this.#from = from
    this.#targets = targets
    this.#clock = clock
  }

  /** Every question has a loop of its own: one that gets no answer does not hold up the others. */
  start(everyMs: number, timeoutMs: number): void {
    this.#startedAt = this.#clock.now()
    this.#probes = this.#targets.flatMap((target) =>
      questionsTo(target).map((question) => {
        const loop: Loop = new Loop({
          round: (signal) => this.#ask({ target, question, loop }, timeoutMs, signal),
          restMs: every(everyMs),
          // Nothing in a round is expected to fail.
          onError: (error) => {
            throw error
          },
          clock: this.#clock,
        })
        return { target, question, loop }
      }),
    )
    // Spread over the time between two questions: asked all at once, a short pause of ours would spoil them all.
    for (const [index, { loop }] of this.#probes.entries())
      loop.start((index * everyMs) / this.#probes.length)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#probes.map(({ loop }) => loop.stop()))
  }

  async #ask({ target, question, loop }: Probe, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const askedAt = this.#clock.now()
    const status = await httpStatus({
      host: target.address,
      port: this.#topology.ports[question.port],
      path: question.path,
      timeoutMs,
      from: this.#from.address,
      signal,
    })
    const heldUp = status === undefined && this.#clock.now() - askedAt > timeoutMs + lateMs
    if (heldUp || signal.aborted) return
    let hasFailed = false
    for (const [name, tells] of Object.entries(question.tells)) {
      const ok = status !== undefined && tells(status)
      if (this.#record(`${target.name}/${name}`, ok, askedAt)) hasFailed = true
    }
    // If the region is gone, so are the others' answers: the sooner they are missed, the sooner that is known.
    if (!hasFailed) return
    for (const other of this.#probes) if (other.target === target && other.loop !== loop) other.loop.soon()
  }

  view(): Record<string, View> {
    const now = this.#clock.now()
    return Object.fromEntries(
      this.#targets.map((target) => {
        const view: View = {}
        const told = questionsTo(target).flatMap(({ tells }) => Object.keys(tells) as ProbeName[])
        for (const name of told) {
          const state = this.#states.get(`${target.name}/${name}`)
          if (state) view[name] = { ok: state.ok, forMs: Math.round(now - state.sinceMs) } satisfies Seen
        }
        return [target.name, view]
      }),
    )
  }

  /**
   * A state begins when the question that found it was asked, not when its time ran out. What has never answered says
   * nothing until this agent has been up for a while: a world that starts is not a world that is lost.
   * True when an answer that was there is missing now.
   */
  #record(key: string, ok: boolean, askedAt: number): boolean {
    const known = this.#states.get(key)
    if (known?.ok === ok) return false
    if (!known && !ok && askedAt - this.#startedAt < graceMs) return false
    this.#states.set(key, { ok, sinceMs: askedAt })
    this.#onChange()
    return !ok
  }
}
