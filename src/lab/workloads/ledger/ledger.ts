import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, NearsideError } from '../../../lib/errors.ts'
import { type Balances, clockMs, type FinalState, type NewOp, type RecordOp } from '../../history.ts'
import { openLoop } from '../loop.ts'
import { type Workload, type WorkloadOptions, type WorkloadWorld, workloadDefaults } from '../types.ts'
import { viewsWhenEqual } from '../until-equal.ts'
import { type Endpoints, endpointsOf } from './connections.ts'
import { showPrimary, showReplica } from './final.ts'
import {
  appendStatement,
  createStatements,
  dropStatement,
  readAccountsStatement,
  readListStatement,
  schema,
  transferStatement,
} from './schema.ts'
import { whyOf, writeOnce } from './transaction.ts'
import { type Intent, Users } from './users.ts'

type WriteIntent = Extract<Intent, { kind: 'append' | 'transfer' }>
type ReadIntent = Exclude<Intent, WriteIntent>

/** After this many appends, a user reads back immediately, the fastest way to notice a missing own write. */
const appendsPerFollowUp = 5

const cleanUpMs = 10_000
const replicasReadyMs = 15_000

/**
 * Appends to lists and transfers between accounts, by SQL, through each region's own database endpoints, with the app's
 * role and database: works in the world of any app. Half of the writes are appends. Reads are of lists and sometimes of
 * all accounts, mostly from the replica. A fifth of the appends is followed by a read of the same user, on top of the
 * rate.
 */
export function ledgerWorkload(world: WorkloadWorld, given: WorkloadOptions): Workload {
  const options = { ...workloadDefaults, ...given }
  const full = world.regions.filter((region) => region.full)
  const endpoints = full.map((region) => endpointsOf(world, region, options))
  const asked = endpoints.filter(({ region }) => given.edges?.includes(region.name) ?? true)
  const users = new Users(
    asked.map(({ region }) => region.name),
    options.writesPerSecond,
    options.seed,
  )
  const nameOf = (server: string) => full.find(({ address }) => address === server)?.name ?? server
  let accountsAtStart: Balances | undefined
  let closed = false

  async function write(
    { region, write }: Endpoints,
    intent: WriteIntent,
    record: RecordOp,
  ): Promise<boolean> {
    const invokedMs = clockMs()
    const [text, values] =
      intent.kind === 'append'
        ? [appendStatement, [intent.list, intent.value]]
        : [transferStatement, [intent.reference, intent.from, intent.to, intent.amount]]
    const written = await writeOnce(write, options.answerTimeoutMs, text, values)
    const servedBy = written.place && { servedBy: nameOf(written.place.server) }
    record({ ...intent, edge: region.name, invokedMs, completedMs: clockMs(), ...written, ...servedBy })
    return written.outcome === 'ok'
  }

  async function read(
    { region, write, read }: Endpoints,
    intent: ReadIntent,
    record: RecordOp,
  ): Promise<void> {
    const invokedMs = clockMs()
    const ended = (rest: Pick<NewOp, 'outcome' | 'why' | 'servedBy'>) => ({
      ...{ edge: region.name, invokedMs, completedMs: clockMs() },
      ...rest,
    })
    const pool = intent.source === 'primary' ? write : read
    try {
      if (intent.kind === 'readList') {
        const { rows } = await pool.query<{ server: string; values: string[] }>(readListStatement, [
          intent.list,
        ])
        const { server, values } = rows[0]!
        record({ ...intent, ...ended({ outcome: 'ok', why: '', servedBy: nameOf(server) }), values })
      } else {
        const { rows } = await pool.query<{ server: string; balances: Balances }>(readAccountsStatement)
        const { server, balances } = rows[0]!
        record({ ...intent, ...ended({ outcome: 'ok', why: '', servedBy: nameOf(server) }), balances })
      }
    } catch (error) {
      record(nothingRead(intent, ended({ outcome: 'fail', why: whyOf(error) })))
    }
  }

  async function begin(at: Endpoints, intent: WriteIntent, record: RecordOp, n: number): Promise<void> {
    const done = await write(at, intent, record)
    if (done && intent.kind === 'append' && n % (2 * appendsPerFollowUp) === 0)
      await read(at, { kind: 'readList', user: intent.user, list: intent.list, source: 'replica' }, record)
  }

  /** Tries one region after another until one leads to a primary. */
  async function atPrimary(statements: readonly string[], limitMs: number): Promise<void> {
    const giveUpAt = performance.now() + limitMs
    for (let n = 0; ; n += 1) {
      const client = endpoints[n % endpoints.length]!.write
      try {
        for (const statement of statements) await client.query(statement)
        return
      } catch (error) {
        if (performance.now() >= giveUpAt) throw error
        await sleep(200)
      }
    }
  }

  const showAll = (catchUpMs: number) =>
    viewsWhenEqual({
      primary: () => showPrimary(endpoints),
      replica: (name) => showReplica(endpoints.find(({ region }) => region.name === name)!),
      regions: full.map(({ name }) => name),
      catchUpMs,
    })

  return {
    name: 'ledger',

    async prepare() {
      try {
        await atPrimary(createStatements, options.answerTimeoutMs)
        // Reads would fail until replicas have the tables.
        const { views } = await showAll(replicasReadyMs)
        accountsAtStart = views[0]!.accounts
      } catch (cause) {
        throw new NearsideError(
          'workload_no_schema',
          `database ${world.topology.database.name}: could not create the schema ${schema}: ${messageOf(cause)}`,
          {
            remedy:
              'make the app’s role the owner of its database, and check that the world is healthy with `nearside status`',
            cause,
          },
        )
      }
    },

    async run(signal, record) {
      await Promise.all(
        asked.flatMap((at) => {
          const region = at.region.name
          const loop = { signal, maxInFlight: options.maxInFlight }
          const refused = (why: string) => {
            const atMs = clockMs()
            return { edge: region, invokedMs: atMs, completedMs: atMs, outcome: 'fail' as const, why }
          }
          return [
            openLoop({
              ...loop,
              perSecond: options.writesPerSecond,
              begin: (n) => begin(at, users.write(region, n) as WriteIntent, record, n),
              refuse: (n, why) => record({ ...(users.write(region, n) as WriteIntent), ...refused(why) }),
            }),
            openLoop({
              ...loop,
              perSecond: options.readsPerSecond,
              begin: () => read(at, users.read(region) as ReadIntent, record),
              refuse: (_, why) => record(nothingRead(users.read(region) as ReadIntent, refused(why))),
            }),
          ]
        }),
      )
    },

    async final(): Promise<FinalState> {
      return { ...(accountsAtStart ? { accountsAtStart } : {}), ...(await showAll(options.catchUpMs)) }
    },

    async cleanUp() {
      if (closed) return
      try {
        await atPrimary([dropStatement], cleanUpMs)
      } catch (cause) {
        throw new NearsideError(
          'workload_left_over',
          `database ${world.topology.database.name}: could not drop the schema ${schema}: ${messageOf(cause)}`,
          {
            remedy: 'the next drill drops it; or run as the app’s role: DROP SCHEMA nearside_drill CASCADE',
            cause,
          },
        )
      } finally {
        closed = true
        await Promise.all(endpoints.map((one) => one.close()))
      }
    },
  }
}

function nothingRead(
  intent: ReadIntent,
  rest: Omit<Extract<NewOp, { kind: 'page' }>, 'kind' | 'path' | 'user'>,
): NewOp {
  return intent.kind === 'readList'
    ? { ...intent, ...rest, values: [] }
    : { ...intent, ...rest, balances: [] }
}
