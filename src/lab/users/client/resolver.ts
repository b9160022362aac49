import type { Question, Reply } from '../../../engines/knot/message.ts'
import type { Prefix } from '../../../geo/prefix.ts'

/** Queries one name server; undefined if it does not answer. Rejects if this machine could not send the query. */
export type AskServer<Server> = (server: Server, question: Question) => Promise<Reply | undefined>

export type Resolution =
  | { ok: true; addresses: readonly string[] }
  | { ok: false; why: 'unreachable' | 'refused' | 'empty' | 'not asked' }

/**
 * One user's resolver: tries the name servers in order until one answers, and caches the answer for exactly its TTL,
 * which is part of what the loss of a region costs users. Failures are not cached. Concurrent requests share one query.
 */
export class Resolver<Server> {
  readonly #servers: readonly Server[]
  readonly #question: Question
  readonly #ask: AskServer<Server>
  #kept: { addresses: readonly string[]; untilMs: number } | undefined
  #underWay: Promise<Resolution> | undefined

  constructor(servers: readonly Server[], name: string, subnet: Prefix | undefined, ask: AskServer<Server>) {
    this.#servers = servers
    this.#question = { name, type: 'A', ...(subnet ? { subnet } : {}) }
    this.#ask = ask
  }

  /** The cached answer, if still valid. */
  kept(nowMs: number): readonly string[] | undefined {
    return this.#kept && nowMs < this.#kept.untilMs ? this.#kept.addresses : undefined
  }

  async resolve(now: () => number): Promise<Resolution> {
    const addresses = this.kept(now())
    if (addresses) return { ok: true, addresses }
    this.#underWay ??= this.#askAll(now).finally(() => {
      this.#underWay = undefined
    })
    return this.#underWay
  }

  async #askAll(now: () => number): Promise<Resolution> {
    let why: 'unreachable' | 'refused' | 'empty' = 'unreachable'
    for (const server of this.#servers) {
      const reply = await this.#ask(server, this.#question).catch(() => null)
      if (reply === null) return { ok: false, why: 'not asked' }
      if (!reply) continue
      if (reply.code !== 0) {
        why = 'refused'
        continue
      }
      const records = reply.records.filter(({ type }) => type === 'A')
      if (records.length === 0) {
        why = 'empty'
        continue
      }
      const ttlSeconds = Math.min(...records.map((record) => record.ttlSeconds))
      const addresses = records.map(({ data }) => data)
      this.#kept = { addresses, untilMs: now() + ttlSeconds * 1000 }
      return { ok: true, addresses }
    }
    return { ok: false, why }
  }
}
