import { randomBytes } from 'node:crypto'
import { NearsideError } from '../../lib/errors.ts'
import type { KeyValue } from '../../lib/etcd/wire.ts'
import type { Etcd } from '../../lib/etcd.ts'
import { nameIn, worldRoot } from './keys/kind.ts'
import {
  type Purge,
  type PurgePosition,
  type PurgeRequest,
  purgeHeadKind,
  purgeKind,
  purgeName,
} from './keys/purges.ts'

export const purgesKept = 100
/** Two agents that add a purge at the same moment: one of them tries again. */
const attempts = 20

/** The world's list of purges. Agents read only the head in each cycle, and the list when they are behind. */
export class PurgeList {
  readonly #etcd: Etcd
  readonly #root: string

  constructor(etcd: Etcd, world: string) {
    this.#etcd = etcd
    this.#root = worldRoot(world)
  }

  async add(request: PurgeRequest): Promise<Purge> {
    const key = this.#root + purgeHeadKind.path
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const [found] = await this.#etcd.get(key)
      const last = await this.#head(found)
      const head: PurgePosition = { number: (last?.number ?? 0) + 1, id: randomBytes(8).toString('hex') }
      const purge: Purge = { ...head, ...request }
      const done = await this.#etcd.transact(
        [{ key, target: 'MOD', mod_revision: found?.modRevision ?? '0' }],
        [
          { put: { key, value: JSON.stringify(head) } },
          { put: { key: this.#keyOf(head.number), value: JSON.stringify(purge) } },
          ...(head.number > purgesKept ? [{ delete: { key: this.#keyOf(head.number - purgesKept) } }] : []),
        ],
      )
      if (done) return purge
    }
    throw new NearsideError('purge_contended', 'too many purges at the same time', {
      remedy: 'run it again',
    })
  }

  /**
   * The purges after `position`, oldest first. Undefined when the list does not tell: the position is unknown, of
   * another list, or further back than the list goes, or a purge after it is damaged or missing.
   */
  async after(position: PurgePosition): Promise<Purge[] | undefined> {
    const all = await this.#list()
    const start =
      position.number === 0
        ? 0
        : all.findIndex(({ number, purge }) => number === position.number && purge?.id === position.id) + 1
    if (start === 0 && position.number > 0) return undefined
    const missed = all.slice(start)
    const isWhole = missed.every(
      ({ number, purge }, index) => number === position.number + 1 + index && purge?.number === number,
    )
    return isWhole ? missed.map(({ purge }) => purge!) : undefined
  }

  /** The head, or the last purge of the list if the head is damaged or missing. */
  async last(): Promise<PurgePosition | undefined> {
    const last = (await this.#list()).at(-1)
    // A damaged purge has no id that could be read, but its revision is as good a mark.
    return last && { number: last.number, id: last.purge?.id ?? `revision-${last.modRevision}` }
  }

  async #head(found: KeyValue | undefined): Promise<PurgePosition | undefined> {
    const read = found && purgeHeadKind.read(found)
    return read !== undefined && 'value' in read ? read.value : this.last()
  }

  /** By number. `purge` is undefined for a damaged one. */
  async #list(): Promise<{ number: number; modRevision: string; purge: Purge | undefined }[]> {
    const found = await this.#etcd.get(this.#root + purgeKind.path, { prefix: true })
    return found
      .flatMap((kv) => {
        const name = nameIn(purgeKind, this.#root, kv.key)
        if (name === undefined || !/^\d{12}$/.test(name)) return []
        const read = purgeKind.read(kv)
        const purge = 'value' in read ? read.value : undefined
        return [{ number: Number(name), modRevision: kv.modRevision, purge }]
      })
      .sort((a, b) => a.number - b.number)
  }

  #keyOf(number: number): string {
    return this.#root + purgeKind.path + purgeName(number)
  }
}
