import { get, request } from 'node:http'
import { messageOf, NearsideError } from './errors.ts'

/**
 * A thin client of etcd's JSON gateway (v3). Keys and values travel in base64, 64-bit numbers as strings; both are
 * hidden here. Every call goes to one endpoint and moves to the next when that one does not answer; it fails with
 * `etcd_unreachable` when none did before the deadline. Nothing is retried after an endpoint may have acted, except
 * reads. Away from the nearest endpoint it asks the nearer ones now and then whether they are well, beside the calls,
 * and goes back to the first that is.
 */

export type KeyValue = {
  key: string
  value: string
  createRevision: string
  modRevision: string
  /** Lease that the key dies with; '0' for none. */
  lease: string
}

export type Compare =
  | { key: string; target: 'CREATE'; create_revision: string }
  | { key: string; target: 'MOD'; mod_revision: string }
  | { key: string; target: 'VALUE'; value: string }

export type Operation =
  | { put: { key: string; value: string; lease?: string } }
  | { delete: { key: string } }
  | { range: { key: string; prefix?: boolean } }

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

/** What one member says of itself. */
export type MemberStatus = {
  /** '0' when it knows none. */
  leader: string
  member: string
  version: string
  /** Of its file, which never shrinks by itself; what of it holds data. */
  dbBytes: number
  dbInUseBytes: number
  /** `NOSPACE`: every put is refused, in the whole cluster, until it is disarmed. */
  alarms: ('NOSPACE' | 'CORRUPT')[]
  revision: string
}

type RawKeyValue = {
  key: string
  value?: string
  create_revision: string
  mod_revision: string
  lease?: string
}
type Json = Record<string, unknown>

const encode = (text: string) => Buffer.from(text, 'utf8').toString('base64')
const decode = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString('utf8')

/** The first key after all keys that begin with `prefix` (etcd's own convention for prefix ranges). */
function prefixEnd(prefix: string): string {
  const bytes = Buffer.from(prefix, 'utf8')
  bytes[bytes.length - 1]! += 1
  return bytes.toString('base64')
}

/** etcd answered and said no: `code` is the gRPC status (5 not found, 9 failed precondition, 16 unauthenticated …). */
export class EtcdRefusal extends NearsideError {
  readonly grpcCode: number
  constructor(path: string, grpcCode: number, message: string) {
    super('etcd_refused', `etcd ${path}: ${message}`)
    this.grpcCode = grpcCode
  }
}

export class Etcd {
  readonly #options: EtcdOptions & { timeoutMs: number; homeEveryMs: number }
  #current = 0
  /** By the monotonic clock, while away from the nearest endpoint: when it was last moved or asked about. */
  #awaySinceMs = 0
  #token: string | undefined

  constructor(options: EtcdOptions) {
    this.#options = { timeoutMs: 2000, homeEveryMs: 15_000, ...options }
  }

  /** One key, or every key under a prefix, in key order. Linearizable unless `serializable` (any member's copy). */
  async get(
    key: string,
    options: { prefix?: boolean; serializable?: boolean /** Values stay empty. */; keysOnly?: boolean } = {},
  ): Promise<KeyValue[]> {
    const body: Json = { key: encode(key), serializable: options.serializable ?? false }
    if (options.prefix) body.range_end = prefixEnd(key)
    if (options.keysOnly) body.keys_only = true
    const answer = await this.#call('/v3/kv/range', body, { read: true })
    return ((answer.kvs as RawKeyValue[] | undefined) ?? []).map(keyValue)
  }

  async put(key: string, value: string, options: { lease?: string } = {}): Promise<void> {
    await this.#call('/v3/kv/put', { key: encode(key), value: encode(value), ...leaseOf(options.lease) })
  }

  async delete(key: string, options: { prefix?: boolean } = {}): Promise<void> {
    const body: Json = { key: encode(key) }
    if (options.prefix) body.range_end = prefixEnd(key)
    await this.#call('/v3/kv/deleterange', body)
  }

  /** Every key from `first` on that comes before `end`. */
  async deleteRange(first: string, end: string): Promise<void> {
    await this.#call('/v3/kv/deleterange', { key: encode(first), range_end: encode(end) })
  }

  /** All of `success` happens if every comparison holds, nothing otherwise; says which. */
  async transact(compare: Compare[], success: Operation[]): Promise<boolean> {
    const answer = await this.#call('/v3/kv/txn', {
      compare: compare.map((c) => ({
        ...c,
        key: encode(c.key),
        result: 'EQUAL',
        ...(c.target === 'VALUE' ? { value: encode(c.value) } : {}),
      })),
      success: success.map(operation),
    })
    return answer.succeeded === true
  }

  /** Several ranges at one revision, in the order asked. */
  async read(ranges: { key: string; prefix?: boolean }[]): Promise<KeyValue[][]> {
    const answer = await this.#call(
      '/v3/kv/txn',
      { compare: [], success: ranges.map((range) => operation({ range })) },
      { read: true },
    )
    const responses = (answer.responses as { response_range?: { kvs?: RawKeyValue[] } }[] | undefined) ?? []
    return ranges.map((_, index) => (responses[index]?.response_range?.kvs ?? []).map(keyValue))
  }

  async grantLease(ttlSeconds: number): Promise<string> {
    const answer = await this.#call('/v3/lease/grant', { TTL: String(ttlSeconds) })
    return String(answer.ID)
  }

  /** False when the lease has expired: the caller needs a new one. */
  async keepAlive(lease: string): Promise<boolean> {
    const answer = await this.#call('/v3/lease/keepalive', { ID: lease })
    const result = answer.result as { TTL?: string } | undefined
    return Number(result?.TTL ?? 0) > 0
  }

  /** Every key under the lease goes at once. Revoking a lease that is gone is not an error. */
  async revokeLease(lease: string): Promise<void> {
    try {
      await this.#call('/v3/lease/revoke', { ID: lease })
    } catch (error) {
      if (!(error instanceof EtcdRefusal && error.grpcCode === 5)) throw error
    }
  }

  /** Ids of the members that this cluster knows, by name, and the leader as the asked member sees it. */
  async members(): Promise<{ idByName: Record<string, string>; leader: string; asked: string }> {
    const list = await this.#call('/v3/cluster/member/list', { linearizable: false }, { read: true })
    const status = await this.status()
    const idByName: Record<string, string> = {}
    for (const member of (list.members as { ID: string; name?: string }[] | undefined) ?? [])
      if (member.name) idByName[member.name] = member.ID
    return { idByName, leader: status.leader, asked: status.member }
  }

  async status(): Promise<MemberStatus> {
    const answer = await this.#call('/v3/maintenance/status', {}, { read: true })
    const header = answer.header as Json | undefined
    const said = ((answer.errors as string[] | undefined) ?? []).join(' ')
    return {
      leader: String(answer.leader ?? '0'),
      member: String(header?.member_id ?? '0'),
      version: String(answer.version ?? ''),
      dbBytes: Number(answer.dbSize ?? 0),
      dbInUseBytes: Number(answer.dbSizeInUse ?? 0),
      alarms: (['NOSPACE', 'CORRUPT'] as const).filter((alarm) => said.includes(alarm)),
      revision: String(header?.revision ?? '0'),
    }
  }

  /** Forgets what keys were before this revision; the space is used again, the file stays as large as it is. */
  async compact(revision: string): Promise<void> {
    try {
      await this.#call('/v3/kv/compaction', { revision, physical: true })
    } catch (error) {
      if (!(error instanceof EtcdRefusal && /has been compacted/.test(error.message))) throw error
    }
  }

  /** Makes the asked member's file as small as what is in it. The member answers nobody meanwhile. */
  async defragment(): Promise<void> {
    await this.#call('/v3/maintenance/defragment', {})
  }

  /** Lets puts through again after NOSPACE; a member that is still too large raises it again at the next. */
  async disarm(): Promise<void> {
    const raised = await this.#call('/v3/maintenance/alarm', { action: 'GET' }, { read: true })
    for (const { memberID, alarm } of (raised.alarms as { memberID: string; alarm: string }[] | undefined) ??
      [])
      if (alarm === 'NOSPACE')
        await this.#call('/v3/maintenance/alarm', { action: 'DEACTIVATE', memberID, alarm })
  }

  /** Must be sent to the member that leads: use a client with that one endpoint. */
  async moveLeader(targetId: string): Promise<void> {
    await this.#call('/v3/maintenance/transfer-leadership', { targetID: targetId })
  }

  /**
   * Turns password authentication on, once for the life of the cluster. Safe to call from every region at the same
   * time: each step that was already done by another is passed over.
   */
  async enableAuth(): Promise<void> {
    const { username = 'root', password } = this.#options
    if (password === undefined) throw new NearsideError('etcd_no_password', 'enableAuth needs a password')
    const step = async (path: string, body: Json, done: RegExp) => {
      try {
        await this.#call(path, body, { plain: true })
      } catch (error) {
        if (!(error instanceof EtcdRefusal && (done.test(error.message) || alreadyOn.test(error.message))))
          throw error
      }
    }
    if (await this.#authIsOn()) return
    await step('/v3/auth/user/add', { name: username, password }, /already exists/)
    await step('/v3/auth/role/add', { name: 'root' }, /already exists/)
    await step('/v3/auth/user/grant', { user: username, role: 'root' }, /already granted/)
    await step('/v3/auth/enable', {}, /already enabled/)
  }

  /** Asked by a read that only an open cluster answers: adding the user once more would cost it a hash. */
  async #authIsOn(): Promise<boolean> {
    try {
      await this.#call('/v3/kv/range', { key: encode('/'), serializable: true }, { plain: true, read: true })
      return false
    } catch (error) {
      if (error instanceof EtcdRefusal && alreadyOn.test(error.message)) return true
      throw error
    }
  }

  async #call(path: string, body: Json, how: { read?: boolean; plain?: boolean } = {}): Promise<Json> {
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
        if (attempt > 0 || !(error instanceof EtcdRefusal && staleToken.test(error.message))) throw error
        this.#token = undefined
      }
    }
  }
}

const refusedCodes = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'])
const alreadyOn = /user name is empty|permission denied|invalid auth token/
const staleToken =
  /invalid auth token|user name is empty|revision of auth store is old|authentication is not enabled/
/** gRPC 14 unavailable, 4 deadline: this member cannot answer now (no leader, shutting down); another may. */
const unavailable = (error: EtcdRefusal) => error.grpcCode === 14 || error.grpcCode === 4

/** A refused connection carried nothing, and a member without a leader proposes nothing; of all else nobody knows. */
function mayHaveActed(error: unknown): boolean {
  if (error instanceof EtcdRefusal) return !/no leader/.test(error.message)
  return !(error instanceof Error && 'code' in error && refusedCodes.has(String(error.code)))
}

/** Longer than any round trip; a member that takes longer is not worth going to. */
const healthMs = 1000

/** A member is well when it has a leader and could read what a majority agrees on. */
function isWell(endpoint: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const call = get(`${endpoint}/health`, { agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    const timer = setTimeout(() => call.destroy(), timeoutMs)
    call.on('error', () => resolve(false))
    call.on('close', () => {
      clearTimeout(timer)
      resolve(false)
    })
  })
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
    if (error instanceof EtcdRefusal && /authentication is not enabled/.test(error.message)) return ''
    throw error
  }
}

function post(endpoint: string, path: string, body: Json, timeoutMs: number, token?: string): Promise<Json> {
  const text = JSON.stringify(body)
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  }
  if (token) headers.authorization = token
  return new Promise((resolve, reject) => {
    const call = request(
      `${endpoint}${path}`,
      { method: 'POST', headers, timeout: timeoutMs },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          let answer: Json
          try {
            // A stream's first message (lease keep-alive) stands alone on the first line.
            answer = JSON.parse(Buffer.concat(parts).toString('utf8').split('\n')[0] || '{}')
          } catch {
            return reject(new NearsideError('etcd_garbled', `etcd ${path}: answer is not JSON`))
          }
          if (response.statusCode === 200 && !answer.error) return resolve(answer)
          reject(
            new EtcdRefusal(
              path,
              Number(answer.code ?? 2),
              String(answer.message ?? JSON.stringify(answer.error)),
            ),
          )
        })
      },
    )
    // `timeout` is about silence on the socket; the timer bounds the whole call.
    const timer = setTimeout(
      () => call.destroy(new Error(`no answer from ${endpoint} in ${timeoutMs} ms`)),
      timeoutMs,
    )
    call.on('close', () => clearTimeout(timer))
    call.on('error', reject)
    call.end(text)
  })
}

function keyValue(raw: RawKeyValue): KeyValue {
  return {
    key: decode(raw.key),
    value: decode(raw.value),
    createRevision: raw.create_revision,
    modRevision: raw.mod_revision,
    lease: raw.lease ?? '0',
  }
}

const leaseOf = (lease: string | undefined) => (lease === undefined ? {} : { lease })

function operation(op: Operation): Json {
  if ('put' in op)
    return { request_put: { key: encode(op.put.key), value: encode(op.put.value), ...leaseOf(op.put.lease) } }
  if ('delete' in op) return { request_delete_range: { key: encode(op.delete.key) } }
  return {
    request_range: {
      key: encode(op.range.key),
      ...(op.range.prefix ? { range_end: prefixEnd(op.range.key) } : {}),
    },
  }
}
