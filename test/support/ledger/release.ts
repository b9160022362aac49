import pg from 'pg'

/** The release command of the ledger creates its only table. No column is unique, so that duplicate writes show. */
const client = new pg.Client({ connectionString: process.env.DATABASE_URL! })
await client.connect()
await client.query(`
  CREATE TABLE IF NOT EXISTS entries (
    reference text NOT NULL,
    server    inet NOT NULL,
    timeline  integer NOT NULL
  )`)
await client.end()
