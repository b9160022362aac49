import { migrations } from './migrations.ts'
import type { Query } from './query.ts'

/** Any number that no other program locks in this database. */
const releaseLock = 7_203_114

/** Applies what is missing, inside the caller's transaction; a second release waits for the first. Gives their names. */
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
