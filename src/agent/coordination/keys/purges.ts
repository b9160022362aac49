import * as z from 'zod'
import type { PurgeScope } from '../../../engines/varnish/purge.ts'
import { type KeyKind, parseJsonBy } from './kind.ts'

/**
 * The purges of a world, so that a region that was cut off applies what it missed:
 *
 *     purges/head       number and id of the latest purge
 *     purges/list/<n>   the last `purgesKept` purges
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

const position = { number: z.int().min(1), id: z.string().min(1) }

/** Whatever Varnish would refuse is damaged: retried for ever, it would hold back every later purge. */
const scope = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('pages') }),
  z.object({ kind: z.literal('all') }),
  z.object({
    kind: z.literal('path'),
    path: z
      .string()
      .max(8192)
      .regex(/^\/[\x21\x22\x24-\x29\x2b-\x7e]*\*?$/),
    host: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,253}$/)
      .optional(),
  }),
]) satisfies z.ZodType<PurgeScope>

export const purgeHeadKind: KeyKind<PurgePosition> = {
  path: 'purges/head',
  read: ({ value }) => parseJsonBy(z.object(position), value),
  until: () => 'the next purge',
}

export const purgeKind: KeyKind<Purge> = {
  path: 'purges/list/',
  read: ({ value }) =>
    parseJsonBy(z.object({ ...position, scope, regions: z.array(z.string()).optional() }), value),
}

/** The name of a purge's key, so that the order of the keys is that of the numbers. */
export const purgeName = (number: number) => String(number).padStart(12, '0')
