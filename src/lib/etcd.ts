import { NearsideError } from './errors.ts'
import { Endpoints, type EtcdOptions } from './etcd/endpoints.ts'
import { EtcdRefusal, type Json, type RefusalReason } from './etcd/request.ts'
import {
  type Compare,
  comparison,
  encode,
  type KeyValue,
  keyValue,
  leaseOf,
  type Operation,
  operation,
  prefixEnd,
  type RawKeyValue,
} from './etcd/wire.ts'

/** One member's own status. */
export type MemberStatus = {
  /** '0' if the member knows no leader. */
  leader: string
  member: string
  version: string
  /** Size of the database file, which never shrinks by itself, and the part of it that holds data. */
  dbBytes: number
  dbInUseBytes: number
  /** With `NOSPACE`, the whole cluster refuses every put until the alarm is disarmed. */
  alarms: ('NOSPACE' | 'CORRUPT')[]
  revision: string
}

/**
 * A thin client of etcd's JSON gateway (v3). `Endpoints` chooses the member for each call and decides when to retry at
 * another one.
 */
export class Etcd {
  readonly #login: Pick<EtcdOptions, 'username' | 'password'>
  readonly #endpoints: Endpoints

  constructor(options: EtcdOptions) {
    this.#login = options
    this.#endpoints = new Endpoints(options)
  }

  /** One key, or every key under a prefix, in key order. Linearizable unless `serializable` (any member's copy). */
  async get(
    key: string,
    options: { prefix?: boolean; serializable?: boolean /** Values stay empty. */; keysOnly?: boolean } = {},
  ): Promise<KeyValue[]> {
    const body: Json = { key: encode(key), serializable: options.serializable ?? false }
    if (options.prefix) body.range_end = prefixEnd(key)
    if (options.keysOnly) body.keys_only = true
    const answer = await this.#endpoints.call('/v3/kv/range', body, { read: true })
    return ((answer.kvs as RawKeyValue[] | undefined) ?? []).map(keyValue)
  }

  async put(key: string, value: string, options: { lease?: string } = {}): Promise<void> {
    await this.#endpoints.call('/v3/kv/put', {
      key: encode(key),
      value: encode(value),
      ...leaseOf(options.lease),
    })
  }

  async delete(key: string, options: { prefix?: boolean } = {}): Promise<void> {
    const body: Json = { key: encode(key) }
    if (options.prefix) body.range_end = prefixEnd(key)
    await this.#endpoints.call('/v3/kv/deleterange', body)
  }

  /** Every key from `first` up to, but not including, `end`. */
  async deleteRange(first: string, end: string): Promise<void> {
    await this.#endpoints.call('/v3/kv/deleterange', { key: encode(first), range_end: encode(end) })
  }

  /** Applies all of `success` if every comparison holds, otherwise nothing. Returns whether it was applied. */
  async transact(compare: Compare[], success: Operation[]): Promise<boolean> {
    const answer = await this.#endpoints.call('/v3/kv/txn', {
      compare: compare.map(comparison),
      success: success.map(operation),
    })
    return answer.succeeded === true
  }

  /** Several ranges at one revision, in the order requested. */
  async read(ranges: { key: string; prefix?: boolean }[]): Promise<KeyValue[][]> {
    const answer = await this.#endpoints.call(
      '/v3/kv/txn',
      { compare: [], success: ranges.map((range) => operation({ range })) },
      { read: true },
    )
    const responses = (answer.responses as { response_range?: { kvs?: RawKeyValue[] } }[] | undefined) ?? []
    return ranges.map((_, index) => (responses[index]?.response_range?.kvs ?? []).map(keyValue))
  }

  async grantLease(ttlSeconds: number): Promise<string> {
    const answer = await this.#endpoints.call('/v3/lease/grant', { TTL: String(ttlSeconds) })
    return String(answer.ID)
  }

  /** False when the lease has expired: the caller needs a new one. */
  async keepAlive(lease: string): Promise<boolean> {
    const answer = await this.#endpoints.call('/v3/lease/keepalive', { ID: lease })
    const result = answer.result as { TTL?: string } | undefined
    return Number(result?.TTL ?? 0) > 0
  }

  /** Deletes every key under the lease immediately. Revoking an expired lease is not an error. */
  async revokeLease(lease: string): Promise<void> {
    try {
      await this.#endpoints.call('/v3/lease/revoke', { ID: lease })
    } catch (error) {
      if (!(error instanceof EtcdRefusal && error.grpcCode === 5)) throw error
    }
  }

  /** Member ids by name as the cluster knows them, and the leader as the member that answered sees it. */
  async members(): Promise<{ idByName: Record<string, string>; leader: string; asked: string }> {
    const list = await this.#endpoints.call(
      '/v3/cluster/member/list',
      { linearizable: false },
      { read: true },
    )
    const status = await this.status()
    const idByName: Record<string, string> = {}
    for (const member of (list.members as { ID: string; name?: string }[] | undefined) ?? [])
      if (member.name) idByName[member.name] = member.ID
    return { idByName, leader: status.leader, asked: status.member }
  }

  async status(): Promise<MemberStatus> {
    const answer = await this.#endpoints.call('/v3/maintenance/status', {}, { read: true })
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

  /** Discards history before this revision. etcd reuses the space; the file keeps its size. */
  async compact(revision: string): Promise<void> {
    try {
      await this.#endpoints.call('/v3/kv/compaction', { revision, physical: true })
    } catch (error) {
      if (!(error instanceof EtcdRefusal && error.reason === 'compacted')) throw error
    }
  }

  /** Shrinks the member's database file to its contents. The member answers no requests meanwhile. */
  async defragment(): Promise<void> {
    await this.#endpoints.call('/v3/maintenance/defragment', {})
  }

  /** Allows puts again after NOSPACE. A member that is still too large raises the alarm again on the next put. */
  async disarm(): Promise<void> {
    const raised = await this.#endpoints.call('/v3/maintenance/alarm', { action: 'GET' }, { read: true })
    for (const { memberID, alarm } of (raised.alarms as { memberID: string; alarm: string }[] | undefined) ??
      [])
      if (alarm === 'NOSPACE')
        await this.#endpoints.call('/v3/maintenance/alarm', { action: 'DEACTIVATE', memberID, alarm })
  }

  /** Only the leader accepts this: use a client with the leader as its one endpoint. */
  async moveLeader(targetId: string): Promise<void> {
    await this.#endpoints.call('/v3/maintenance/transfer-leadership', { targetID: targetId })
  }

  /**
   * Turns on password authentication, once in the life of the cluster. Safe to call from every region at the same time:
   * a step that another region has already done is skipped.
   */
  async enableAuth(): Promise<void> {
    const { username = 'root', password } = this.#login
    if (password === undefined) throw new NearsideError('etcd_no_password', 'enableAuth needs a password')
    const step = async (path: string, body: Json) => {
      try {
        await this.#endpoints.call(path, body, { plain: true })
      } catch (error) {
        const isDone =
          error instanceof EtcdRefusal && (error.reason === 'exists' || alreadyOn.has(error.reason))
        if (!isDone) throw error
      }
    }
    if (await this.#authIsOn()) return
    await step('/v3/auth/user/add', { name: username, password })
    await step('/v3/auth/role/add', { name: 'root' })
    await step('/v3/auth/user/grant', { user: username, role: 'root' })
    await step('/v3/auth/enable', {})
  }

  /** A read that only an open cluster answers. Adding the user again would cost a password hash each time. */
  async #authIsOn(): Promise<boolean> {
    try {
      await this.#endpoints.call(
        '/v3/kv/range',
        { key: encode('/'), serializable: true },
        { plain: true, read: true },
      )
      return false
    } catch (error) {
      if (error instanceof EtcdRefusal && alreadyOn.has(error.reason)) return true
      throw error
    }
  }
}

/** Reasons for refusing a request without a password once authentication is on. */
const alreadyOn = new Set<RefusalReason>(['noUser', 'denied', 'badToken'])
