import { messageOf, NearsideError } from '../errors.ts'
import { HttpError } from '../http.ts'
import { EtcdRefusal, isHealthy, type Json, post, type RefusalReason } from './request.ts'

export type EtcdOptions = {
  /** `http://host:port`, nearest first. */
  endpoints: string[]
  username?: string
  password?: string
  /** Per call, across all endpoints. */
  timeoutMs?: number
  /** How often to check whether a nearer endpoint is healthy again. */
  failbackCheckMs?: number
}

/** Health check timeout: longer than any round trip. A slower member is not worth switching to. */
const healthMs = 1000

/**
 * Chooses the member for each call and logs in there. If that member does not answer, the call goes to the next one; it
 * fails with `etcd_unreachable` when none answers before the deadline. Only reads are retried after an endpoint may
 * have acted. While it uses a farther endpoint, it periodically checks the nearer ones in the background and returns to
 * the first healthy one.
 */
export class Endpoints {
  readonly #options: EtcdOptions & { timeoutMs: number; failbackCheckMs: number }
  #current = 0
  /** Monotonic time of the last move or health check while away from the nearest endpoint. */
  #awaySinceMs = 0
  #token: string | undefined

  constructor(options: EtcdOptions) {
    this.#options = { timeoutMs: 2000, failbackCheckMs: 15_000, ...options }
  }

  /** `read`: the call changes nothing, so it may be repeated. `plain`: without credentials. */
  async call(path: string, body: Json, how: { read?: boolean; plain?: boolean } = {}): Promise<Json> {
    const { endpoints, timeoutMs } = this.#options
    const deadline = performance.now() + timeoutMs
    this.#checkNearer()
    let last: unknown
    for (let tried = 0; tried < endpoints.length && performance.now() < deadline; tried += 1) {
      const endpoint = endpoints[this.#current % endpoints.length]!
      // An endpoint that silently drops packets must leave time for the others.
      const share = Math.max(200, Math.ceil((deadline - performance.now()) / (endpoints.length - tried)))
      try {
        return await this.#authenticated(endpoint, path, body, share, how.plain ?? false)
      } catch (error) {
        if (error instanceof EtcdRefusal && !unavailable(error)) throw error
        last = error
        this.#current += 1
        this.#awaySinceMs = performance.now()
        if (!how.read && mayHaveActed(error)) break
      }
    }
    throw new NearsideError('etcd_unreachable', `etcd ${path}: no answer (${messageOf(last)})`, {
      cause: last,
    })
  }

  /**
   * A far member answers as well as a near one, so no call would ever lead back. The check runs separately from the
   * calls: a write sent to a hung member would fail for its caller.
   */
  #checkNearer(): void {
    const { endpoints, failbackCheckMs } = this.#options
    const away = this.#current
    const nearer = endpoints.slice(0, away % endpoints.length)
    if (nearer.length === 0 || performance.now() - this.#awaySinceMs < failbackCheckMs) return
    this.#awaySinceMs = performance.now()
    void Promise.all(nearer.map((endpoint) => isHealthy(endpoint, healthMs))).then((healthy) => {
      const found = healthy.indexOf(true)
      if (found !== -1 && this.#current === away) this.#current = found
    })
  }

  async #authenticated(
    endpoint: string,
    path: string,
    body: Json,
    timeoutMs: number,
    plain: boolean,
  ): Promise<Json> {
    const { username, password } = this.#options
    if (plain || username === undefined || password === undefined)
      return post(endpoint, path, body, timeoutMs)
    for (let attempt = 0; ; attempt += 1) {
      this.#token ??= await authenticate(endpoint, username, password, timeoutMs)
      try {
        return await post(endpoint, path, body, timeoutMs, this.#token)
      } catch (error) {
        // Members keep tokens in memory: a restart forgets them, and unused ones expire.
        if (attempt > 0 || !(error instanceof EtcdRefusal && staleToken.has(error.reason))) throw error
        this.#token = undefined
      }
    }
  }
}

const staleToken = new Set<RefusalReason>(['badToken', 'noUser', 'oldAuthRevision', 'authOff'])
/** gRPC 14 unavailable, 4 deadline: this member cannot answer now (no leader, shutting down), but another may. */
const unavailable = (error: EtcdRefusal) => error.grpcCode === 14 || error.grpcCode === 4

/** A refused connection carried nothing and a member without a leader proposes nothing; any other failure is ambiguous. */
function mayHaveActed(error: unknown): boolean {
  if (error instanceof EtcdRefusal) return error.reason !== 'noLeader'
  return !(error instanceof HttpError && error.code === 'http_refused')
}

/** '' until authentication has been turned on. */
async function authenticate(
  endpoint: string,
  name: string,
  password: string,
  timeoutMs: number,
): Promise<string> {
  try {
    const answer = await post(endpoint, '/v3/auth/authenticate', { name, password }, timeoutMs)
    return String(answer.token ?? '')
  } catch (error) {
    if (error instanceof EtcdRefusal && error.reason === 'authOff') return ''
    throw error
  }
}
