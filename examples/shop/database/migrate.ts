import { migrations } from './migrations.ts'
import type { Query } from './query.ts'

/** An arbitrary advisory lock that no other program uses in this database. */
const releaseLock = 7_203_114

/** Applies missing migrations in the caller's transaction and returns their names. A second release waits for the first. */
export async function migrate(query: Query): Promise<string[]> {
  await query('SELECT pg_advisory_xact_lock($1)', [releaseLock])
  await query(
    'CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())',
  )
  const applied = new Set(
    (await query<{ name: string }>('SELECT name FROM schema_migrations')).map((row) => row.name),
  )
  const missing = migrations.filter(({ name }) => !applied.has(name))
  for (const { name, sql } of missing) {
    await query(sql)
    await query('INSERT INTO schema_migrations (name) VALUES ($1)', [name])
  }
  return missing.map(({ name }) => name)
}
