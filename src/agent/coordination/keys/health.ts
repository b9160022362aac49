import * as z from 'zod'
import type { RegionHealth } from '../../../failover/types.ts'
import { type KeyKind, parseJsonBy } from './kind.ts'

/** `health/<region>`: the agreed health of a region. A region without an entry is healthy. */
export type HealthEntry = {
  state: RegionHealth
  /** Healthy for the first time in its run. */
  first?: boolean
  /** The writer's clock; absent in entries of older versions. */
  at?: number
}

const entry = z.object({
  state: z.enum(['healthy', 'unhealthy', 'unreachable']),
  first: z.boolean().optional(),
  at: z.number().optional(),
}) satisfies z.ZodType<HealthEntry>

export const healthKind: KeyKind<HealthEntry> = {
  path: 'health/',
  read: ({ value }) => parseJsonBy(entry, value),
  until: (region) => `the health of ${region} changes`,
}

export const encodeHealth = ({ state, first, at }: HealthEntry): string =>
  JSON.stringify({ state, first, at })
