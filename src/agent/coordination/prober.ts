import { ownPaths } from '../../engines/haproxy/layout.ts'
import type { ProbeName, Seen, View } from '../../failover/types.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { httpStatus } from '../../lib/http.ts'
import { every, Loop } from '../../lib/loop.ts'
import type { Region } from '../../topology/regions.ts'
import type { PortName, Topology } from '../../topology/schema.ts'

/**
 * Probes every other region periodically, and records since when each probe has had its present result. Probes are HTTP
 * requests, because a paused process still accepts TCP connections.
 */

type Request = {
  port: Exclude<PortName, 'app'>
  path: string
  /** Evaluates the response's status for each probe. Without a response, all of them fail. */
  results: Partial<Record<ProbeName, (status: number) => boolean>>
}

const isOk = (status: number) => status === 200

function requestsTo({ serves, full, votes }: Region): Request[] {
  return [
    // On the port for health checks, which answers while all of the users' connections are taken. One response covers
    // two probes: it comes from the edge and reports that region's own app. An edge region has none: its app is any
    // healthy one that it can reach, because without one its users get 503.
    ...(serves
      ? [{ port: 'health', path: ownPaths.ready, results: { edge: () => true, app: isOk } } as const]
      : []),
    ...(full ? [{ port: 'patroni', path: '/liveness', results: { patroni: isOk } } as const] : []),
    ...(votes ? [{ port: 'etcdClient', path: '/version', results: { etcd: isOk } } as const] : []),
  ]
}

/** A probe that has never been answered is not reported for this long after the agent's start. */
const graceMs = 15_000
/** A timeout that fires later than this shows that this process was paused, and nothing about the target. */
const lateMs = 500

type State = { ok: boolean; sinceMs: number }
type Probe = { target: Region; request: Request; loop: Loop }

export class Prober {
  readonly #topology: Topology
  readonly #from: Region
  readonly #targets: readonly Region[]
  readonly #clock: Clock
  readonly #onChange: () => void
  #startedAt = 0
  readonly #states = new Map<string, State>()
  #probes: readonly Probe[] = []

  /** `onChange` is called when the result of a probe changes. */
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

  /** Every request has its own loop, so one without a response does not delay the others. */
  start(everyMs: number, timeoutMs: number): void {
    this.#startedAt = this.#clock.now()
    this.#probes = this.#targets.flatMap((target) =>
      requestsTo(target).map((request) => {
        const loop: Loop = new Loop({
          round: (signal) => this.#probe({ target, request, loop }, timeoutMs, signal),
          restMs: every(everyMs),
          // Nothing in a round should fail.
          onError: (error) => {
            throw error
          },
          clock: this.#clock,
        })
        return { target, request, loop }
      }),
    )
    // Spread over the interval, so that a short pause of this process does not spoil all requests.
    for (const [index, { loop }] of this.#probes.entries())
      loop.start((index * everyMs) / this.#probes.length)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#probes.map(({ loop }) => loop.stop()))
  }

  async #probe({ target, request, loop }: Probe, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const sentAt = this.#clock.now()
    const status = await httpStatus({
      host: target.address,
      port: this.#topology.ports[request.port],
      path: request.path,
      timeoutMs,
      from: this.#from.address,
      signal,
    })
    const wasPaused = status === undefined && this.#clock.now() - sentAt > timeoutMs + lateMs
    if (wasPaused || signal.aborted) return
    let hasFailed = false
    for (const [name, isResultOk] of Object.entries(request.results)) {
      const ok = status !== undefined && isResultOk(status)
      if (this.#record(`${target.name}/${name}`, ok, sentAt)) hasFailed = true
    }
    // If the whole region is down, the other probes fail too. Sending them now detects that sooner.
    if (!hasFailed) return
    for (const other of this.#probes) if (other.target === target && other.loop !== loop) other.loop.trigger()
  }

  view(): Record<string, View> {
    const now = this.#clock.now()
    return Object.fromEntries(
      this.#targets.map((target) => {
        const view: View = {}
        const probes = requestsTo(target).flatMap(({ results }) => Object.keys(results) as ProbeName[])
        for (const name of probes) {
          const state = this.#states.get(`${target.name}/${name}`)
          if (state) view[name] = { ok: state.ok, forMs: Math.round(now - state.sinceMs) } satisfies Seen
        }
        return [target.name, view]
      }),
    )
  }

  /**
   * Records a result; true if the probe fails and did not before. A state begins when its request was sent, not when it
   * timed out. A probe that has never been answered is not recorded during `graceMs`, since regions need time to start.
   */
  #record(key: string, ok: boolean, sentAt: number): boolean {
    const known = this.#states.get(key)
    if (known?.ok === ok) return false
    if (!known && !ok && sentAt - this.#startedAt < graceMs) return false
    this.#states.set(key, { ok, sinceMs: sentAt })
    this.#onChange()
    return !ok
  }
}
