import pg from 'pg'

/** The release command of the ledger: its one table. Nothing in it is unique, so that what is applied twice shows. */
const client = new pg.Client({ connectionString: process.env.DATABASE_URL! })
await client.connect()
await client.query(`
  CREATE TABLE IF NOT EXISTS entries (
    reference text NOT NULL,
    server    inet NOT NULL,
    timeline  integer NOT NULL
  )`)
await client.end()
