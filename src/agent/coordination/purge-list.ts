import { randomBytes } from 'node:crypto'
import type { PurgeScope } from '../../engines/varnish/purge.ts'
import { NearsideError } from '../../lib/errors.ts'
import type { Etcd } from '../../lib/etcd.ts'

/**
 * The purges of a world, in etcd, so that a region that was cut off applies what it missed:
 *
 *     purges/head       number and id of the latest purge
 *     purges/list/<n>   the last `purgesKept` purges
 *
 * Agents read only the head in each cycle, and the list when they are behind.
 */

/** A place in the list. The id tells a list from another one that has also reached this number. */
export type PurgePosition = { number: number; id: string }

/** Before the first purge. */
export const beforeAll: PurgePosition = { number: 0, id: '' }

/** Which purges a region's caches have applied. */
export type PurgeState = {
  /** Number of the last one; 0 before the first. */
  applied: number
  /** The next one, which does not succeed and is retried in every cycle. */
  failing?: { number: number; why: string }
}

export type PurgeRequest = {
  scope: PurgeScope
  /** Regions whose caches are purged; absent for all. */
  regions?: string[]
}

export type Purge = PurgePosition & PurgeRequest

export const purgesKept = 100
/** Two agents that add a purge at the same moment: one of them tries again. */
const attempts = 20

export const purgeHeadKey = (world: string) => `/nearside/${world}/purges/head`
const listKey = (world: string, number: number) =>
  `/nearside/${world}/purges/list/${String(number).padStart(12, '0')}`

export class PurgeList {
  readonly #etcd: Etcd
  readonly #world: string

  constructor(etcd: Etcd, world: string) {
    this.#etcd = etcd
    this.#world = world
  }

  async add(request: PurgeRequest): Promise<Purge> {
    const key = purgeHeadKey(this.#world)
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const [found] = await this.#etcd.get(key)
      const head: PurgePosition = {
        number: (found ? decodeHead(found.value).number : 0) + 1,
        id: randomBytes(8).toString('hex'),
      }
      const purge: Purge = { ...head, ...request }
      const old = listKey(this.#world, head.number - purgesKept)
      const done = await this.#etcd.transact(
        [{ key, target: 'MOD', mod_revision: found?.modRevision ?? '0' }],
        [
          { put: { key, value: JSON.stringify(head) } },
          { put: { key: listKey(this.#world, head.number), value: JSON.stringify(purge) } },
          ...(head.number > purgesKept ? [{ delete: { key: old } }] : []),
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
   * another list, or further back than the list goes.
   */
  async after(position: PurgePosition): Promise<Purge[] | undefined> {
    const found = await this.#etcd.get(`/nearside/${this.#world}/purges/list/`, { prefix: true })
    const all = found.map(({ value }) => JSON.parse(value) as Purge)
    if (position.number === 0) return (all[0]?.number ?? 1) === 1 ? all : undefined
    const index = all.findIndex(({ number, id }) => number === position.number && id === position.id)
    return index === -1 ? undefined : all.slice(index + 1)
  }
}

export const decodeHead = (value: string) => JSON.parse(value) as PurgePosition
