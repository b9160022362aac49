import * as z from 'zod'
import type { Seen, View } from '../../../failover/types.ts'
import type { KeyValue } from '../../../lib/etcd/wire.ts'
import type { TableReport } from '../../../steering/agreement.ts'
import type { DatabaseState } from '../../database/monitor.ts'
import { type KeyKind, parseBy, parseJsonBy, type Reading } from './kind.ts'
import type { PurgeState } from './purges.ts'

/** `agents/<region>`: the latest report of a region, under its agent's lease. */
export type Report = {
  region: string
  /** The publisher's clock, for display only; readers measure ages themselves. */
  at: number
  version: string
  seen: Record<string, View>
  database: DatabaseState | undefined
  /** Absent in a region without caches. */
  purges?: PurgeState
  /** The agent's steering tables; absent in a region without DNS. */
  tables?: TableReport | undefined
}

const seen = z.object({ ok: z.boolean(), forMs: z.number() }) satisfies z.ZodType<Seen>
const view = z.object({
  edge: seen.optional(),
  app: seen.optional(),
  patroni: seen.optional(),
  etcd: seen.optional(),
}) satisfies z.ZodType<View>

/** The vote of a region. Without it the report is of no use. */
const vote = z.object({
  region: z.string(),
  at: z.number(),
  version: z.string(),
  seen: z.record(z.string(), view),
})

/** What a report holds besides. A part that does not parse is left out, and the vote counts all the same. */
const parts = {
  database: z.object({
    role: z.enum(['primary', 'replica', 'unknown']),
    timeline: z.number().optional(),
    lsn: z.string().optional(),
    heartbeatAgeMs: z.number().optional(),
    standbys: z
      .array(
        z.object({
          region: z.string(),
          synchronous: z.boolean(),
          lagMs: z.number(),
          lagBytes: z.number(),
        }),
      )
      .optional(),
    recorded: z.boolean().optional(),
    state: z.string().optional(),
    missingWal: z.string().optional(),
  }) satisfies z.ZodType<DatabaseState>,
  purges: z.object({
    applied: z.number(),
    failing: z.object({ number: z.number(), why: z.string() }).optional(),
  }) satisfies z.ZodType<PurgeState>,
  tables: z.object({
    wants: z.string().optional(),
    holds: z.array(z.string()),
    uses: z.string().optional(),
  }) satisfies z.ZodType<TableReport>,
}

const anyParts = z.object({
  database: z.unknown().optional(),
  purges: z.unknown().optional(),
  tables: z.unknown().optional(),
})

export const reportKind: KeyKind<Report> = {
  path: 'agents/',
  read: readReport,
  until: (region) => `the agent of ${region} writes it again`,
}

export const encodeReport = (report: Report): string => JSON.stringify(report)

function readReport({ value: text }: Pick<KeyValue, 'value'>): Reading<Report> {
  const voted = parseJsonBy(vote.extend(anyParts.shape), text)
  if ('damaged' in voted) return voted
  const { database, purges, tables, ...report } = voted.value
  const damaged: string[] = []
  const part = <T>(name: string, schema: z.ZodType<T>, value: unknown): T | undefined => {
    if (value === undefined) return undefined
    const read = parseBy(schema, value)
    if ('value' in read) return read.value
    damaged.push(`${name}.${read.damaged}`)
    return undefined
  }
  const read = {
    database: part('database', parts.database, database),
    purges: part('purges', parts.purges, purges),
    tables: part('tables', parts.tables, tables),
  }
  return {
    value: {
      ...report,
      database: read.database,
      ...(read.purges ? { purges: read.purges } : {}),
      ...(read.tables ? { tables: read.tables } : {}),
    },
    ...(damaged.length > 0 ? { partly: damaged.join('; ') } : {}),
  }
}
