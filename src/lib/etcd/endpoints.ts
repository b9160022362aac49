import { messageOf, NearsideError } from '../errors.ts'
import { HttpError } from '../http.ts'
import { EtcdRefusal, isWell, type Json, post, type RefusalReason } from './request.ts'

export type EtcdOptions = {
  /** `http://host:port`, the nearest first. */
  endpoints: string[]
  username?: string
  password?: string
  /** For one call, over all endpoints. */
  timeoutMs?: number
  /** Between two questions whether a nearer endpoint is well again. */
  homeEveryMs?: number
}

/** For the question whether a member is well: longer than any round trip. One that takes longer is not worth going to. */
const healthMs = 1000

/**
 * Chooses the member that a call goes to, and logs in there. A call goes to one, and to the next when that one does not
 * answer; it fails with `etcd_unreachable` when none did before the deadline. Nothing is retried after an endpoint may
 * have acted, except reads. Away from the nearest endpoint it asks the nearer ones now and then whether they are well,
 * beside the calls, and goes back to the first that is.
 */
export class Endpoints {
  readonly #options: EtcdOptions & { timeoutMs: number; homeEveryMs: number }
  #current = 0
  /** By the monotonic clock, while away from the nearest endpoint: when it was last moved or asked about. */
  #awaySinceMs = 0
  #token: string | undefined

  constructor(options: EtcdOptions) {
    this.#options = { timeoutMs: 2000, homeEveryMs: 15_000, ...options }
  }

  /** `read`: it changes nothing, so it may be asked twice. `plain`: without the password. */
  async call(path: string, body: Json, how: { read?: boolean; plain?: boolean } = {}): Promise<Json> {
    const { endpoints, timeoutMs } = this.#options
    const deadline = performance.now() + timeoutMs
    this.#lookHome()
    let last: unknown
    for (let tried = 0; tried < endpoints.length && performance.now() < deadline; tried += 1) {
      const endpoint = endpoints[this.#current % endpoints.length]!
      // A dead endpoint that swallows packets must leave time for the others.
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
   * A far member answers as well as a near one, so nothing would ever lead back. It is asked beside the calls and not
   * by one of them: a write that is sent to a member that hangs is lost for its caller.
   */
  #lookHome(): void {
    const { endpoints, homeEveryMs } = this.#options
    const away = this.#current
    const nearer = endpoints.slice(0, away % endpoints.length)
    if (nearer.length === 0 || performance.now() - this.#awaySinceMs < homeEveryMs) return
    this.#awaySinceMs = performance.now()
    void Promise.all(nearer.map((endpoint) => isWell(endpoint, healthMs))).then((well) => {
      const found = well.indexOf(true)
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
        // Tokens live in the members' memory: a restarted member does not know them, and they expire when unused.
        if (attempt > 0 || !(error instanceof EtcdRefusal && staleToken.has(error.reason))) throw error
        this.#token = undefined
      }
    }
  }
}

const staleToken = new Set<RefusalReason>(['badToken', 'noUser', 'oldAuthRevision', 'authOff'])
/** gRPC 14 unavailable, 4 deadline: this member cannot answer now (no leader, shutting down); another may. */
const unavailable = (error: EtcdRefusal) => error.grpcCode === 14 || error.grpcCode === 4

/** A refused connection carried nothing, and a member without a leader proposes nothing; of all else nobody knows. */
function mayHaveActed(error: unknown): boolean {
  if (error instanceof EtcdRefusal) return error.reason !== 'noLeader'
  return !(error instanceof HttpError && error.code === 'http_refused')
}

/** '' while authentication is not turned on yet. */
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
