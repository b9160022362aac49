/**
 * The ledger's tables, in a schema of its own next to the app's. Only the order of a list has a unique key, so that a
 * duplicate write shows up instead of failing.
 */
export const schema = 'nearside_drill'

export const accountCount = 50
const balanceAtStart = 1000

export const createStatements = [
  `DROP SCHEMA IF EXISTS ${schema} CASCADE`,
  `CREATE SCHEMA ${schema}`,
  // Appends to a list queue up at this row, which orders them.
  `CREATE TABLE ${schema}.lists (list text PRIMARY KEY, length integer NOT NULL) WITH (fillfactor = 50)`,
  `CREATE TABLE ${schema}.entries (list text NOT NULL, n integer NOT NULL, value text NOT NULL)`,
  `CREATE INDEX ON ${schema}.entries (list, n)`,
  `CREATE TABLE ${schema}.accounts (account text PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50)`,
  `CREATE TABLE ${schema}.transfers (reference text NOT NULL)`,
  `INSERT INTO ${schema}.accounts
   SELECT 'account-' || n, ${balanceAtStart} FROM generate_series(1, ${accountCount}) AS n`,
]

export const dropStatement = `DROP SCHEMA IF EXISTS ${schema} CASCADE`

/** Server and timeline on which a write is applied, as the server itself reports them. */
const place = `host(inet_server_addr()) AS server,
  ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int AS timeline`

/** $1 list, $2 value. */
export const appendStatement = `
  WITH list AS (
    INSERT INTO ${schema}.lists AS l VALUES ($1, 1)
    ON CONFLICT (list) DO UPDATE SET length = l.length + 1
    RETURNING length)
  INSERT INTO ${schema}.entries SELECT $1, length, $2 FROM list
  RETURNING ${place}`

/** $1 reference, $2 from, $3 to, $4 amount. Locks accounts in one order, so that transfers cannot deadlock. */
export const transferStatement = `
  WITH locked AS (
    SELECT account FROM ${schema}.accounts WHERE account IN ($2, $3) ORDER BY account FOR UPDATE),
  moved AS (
    UPDATE ${schema}.accounts AS a
    SET balance = balance + CASE WHEN a.account = $2 THEN -$4::bigint ELSE $4::bigint END
    FROM locked WHERE a.account = locked.account)
  INSERT INTO ${schema}.transfers VALUES ($1)
  RETURNING ${place}`

const server = 'host(inet_server_addr()) AS server'

/** $1 list. */
export const readListStatement = `
  SELECT ${server}, ARRAY(SELECT value FROM ${schema}.entries WHERE list = $1 ORDER BY n, value) AS values`

export const readAccountsStatement = `
  SELECT ${server}, coalesce(json_agg(json_build_array(account, balance) ORDER BY account), '[]') AS balances
  FROM ${schema}.accounts`

/** The final state in one snapshot. Empty tables yield empty arrays, because null would mean “not queried”. */
export const showStatement = `
  SELECT ${server}, pg_is_in_recovery() AS standby,
    (SELECT coalesce(json_agg(json_build_array(list, values) ORDER BY list), '[]') FROM (
       SELECT list, json_agg(value ORDER BY n, value) AS values FROM ${schema}.entries GROUP BY list) AS l) AS lists,
    (SELECT coalesce(json_agg(json_build_array(account, balance) ORDER BY account), '[]')
     FROM ${schema}.accounts) AS accounts,
    (SELECT coalesce(json_agg(json_build_array(reference, count) ORDER BY reference), '[]') FROM (
       SELECT reference, count(*)::int FROM ${schema}.transfers GROUP BY reference) AS t) AS transfers`
