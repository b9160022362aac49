import type { Question, Reply } from '../../../engines/knot/message.ts'
import type { Prefix } from '../../../geo/prefix.ts'

/** Asks one name server; undefined when it is silent. Rejects when it could not be asked, which is this machine's fault. */
export type AskServer<Server> = (server: Server, question: Question) => Promise<Reply | undefined>

export type Resolution =
  | { ok: true; addresses: readonly string[] }
  | { ok: false; why: 'unreachable' | 'refused' | 'empty' | 'not asked' }

/**
 * One user's resolver: asks the name servers in their order until one answers, and keeps the answer for its TTL, no
 * longer: what a region's loss costs users is also a matter of that. Nothing is kept of a failure. Requests that need
 * the name at the same time share one question.
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

  /** The kept answer, if there is one at this time. */
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
