import type { Edge, TestApp } from './apps.ts'
import type { Attempt } from './history.ts'
import { ask } from './http.ts'

export type LoadOptions = {
  app: TestApp
  /** Rates per edge. */
  edges: readonly Edge[]
  writesPerSecond: number
  readsPerSecond: number
  /** Prefix of every reference; unique to this load. */
  prefix: string
}

/** Timeout of users; longer than any time that a world holds a request. */
const answerTimeoutMs = 60_000

/**
 * Open-loop load: requests are sent on schedule, whether or not earlier ones have been answered, like those of many
 * independent users. A stalled world still gets every request.
 */
export class Load {
  readonly options: LoadOptions
  /** Completed requests, in the order of completion. */
  readonly attempts: Attempt[] = []
  readonly #underWay = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: LoadOptions) {
    this.options = options
  }

  start(): this {
    const { edges, writesPerSecond, readsPerSecond } = this.options
    const startedMs = performance.now()
    let writes = 0
    let reads = 0
    this.#timer = setInterval(() => {
      const seconds = (performance.now() - startedMs) / 1000
      for (; writes < seconds * writesPerSecond; writes += 1)
        for (const edge of edges) this.#write(edge, writes)
      for (; reads < seconds * readsPerSecond; reads += 1) for (const edge of edges) this.#read(edge, reads)
    }, 5)
    return this
  }

  /** Stops sending, and resolves once every sent request has ended. */
  async stop(): Promise<readonly Attempt[]> {
    clearInterval(this.#timer)
    await Promise.all(this.#underWay)
    return this.attempts
  }

  /** Stops sending and ignores requests in flight, because the world is stopping. */
  abandon(): void {
    clearInterval(this.#timer)
  }

  acknowledgedWrites(edge?: string): number {
    return this.acknowledgedSince(-Infinity, edge)
  }

  /** Number of acknowledged writes sent after this time. */
  acknowledgedSince(atMs: number, edge?: string): number {
    return this.#done('write', atMs, edge)
  }

  /** Number of correctly answered reads sent after this time. */
  answeredReadsSince(atMs: number, edge?: string): number {
    return this.#done('read', atMs, edge)
  }

  #done(kind: Attempt['kind'], atMs: number, edge: string | undefined): number {
    return this.attempts.filter(
      (one) =>
        one.kind === kind &&
        one.outcome === 'ok' &&
        one.startedMs > atMs &&
        (edge === undefined || one.edge === edge),
    ).length
  }

  #write(edge: Edge, n: number): void {
    const { app, prefix } = this.options
    const reference = `${prefix}-${edge.region}-${n}`
    const { path, headers, body } = app.write(n, reference)
    this.#send({ kind: 'write', edge: edge.region, reference }, (startedMs) =>
      ask({ ...edge, method: 'POST', path, headers, body, timeoutMs: answerTimeoutMs }).then((answer) => {
        const served = answer.headers['nearside-region']
        return {
          startedMs,
          ...app.outcomeOf(answer),
          why: `${answer.status} ${answer.status >= 400 ? answer.body.slice(0, 160) : ''}`.trim(),
          ...(typeof served === 'string' ? { servedBy: served } : {}),
        }
      }),
    )
  }

  #read(edge: Edge, n: number): void {
    const path = this.options.app.read(n)
    this.#send({ kind: 'read', edge: edge.region }, (startedMs) =>
      ask({ ...edge, path, timeoutMs: answerTimeoutMs }).then((answer) => {
        const served = answer.headers['nearside-region']
        return {
          startedMs,
          outcome: answer.status === 200 ? 'ok' : 'unknown',
          why: `${answer.status}${answer.status === 200 ? '' : ` ${path} ${answer.body.slice(0, 120)}`}`,
          ...(typeof served === 'string' ? { servedBy: served } : {}),
        }
      }),
    )
  }

  #send(
    what: Pick<Attempt, 'kind' | 'edge' | 'reference'>,
    send: (startedMs: number) => Promise<Omit<Attempt, 'kind' | 'edge' | 'reference' | 'endedMs'>>,
  ): void {
    const startedMs = performance.now()
    const ended = send(startedMs)
      .catch((error: NodeJS.ErrnoException) => ({
        startedMs,
        // A refused connection carried no request; any other broken one may have.
        outcome: error.code === 'ECONNREFUSED' ? ('fail' as const) : ('unknown' as const),
        why: error.code ?? error.message,
      }))
      .then((rest) => {
        this.attempts.push({ ...what, ...rest, endedMs: performance.now() })
        this.#underWay.delete(ended)
      })
    this.#underWay.add(ended)
  }
}
