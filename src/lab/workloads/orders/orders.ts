import { messageOf, NearsideError } from '../../../lib/errors.ts'
import { callHttp, type HttpAnswer, HttpError } from '../../../lib/http.ts'
import type { Region } from '../../../topology/regions.ts'
import { clockMs, type NewOp, type RecordOp } from '../../history.ts'
import { openLoop } from '../loop.ts'
import { type Workload, type WorkloadOptions, type WorkloadWorld, workloadDefaults } from '../types.ts'
import { viewsWhenEqual } from '../until-equal.ts'
import { Customers } from './customers.ts'
import { askShop, longestAnswerBytes, showOrders } from './final.ts'
import { outcomeOf, outcomeOfError, parsed } from './outcome.ts'

/** Also finds orders placed by a clock slightly behind ours. */
const clockMarginMs = 3_600_000
const answerMs = 20_000

/**
 * Customers of the example shop, at the public edges of all regions that serve users. They place orders, look at their
 * own orders and view pages. Orders remain in the shop, which cannot delete them.
 */
export function ordersWorkload(world: WorkloadWorld, given: WorkloadOptions): Workload {
  const options = { ...workloadDefaults, ...given }
  const serving = world.regions.filter((region) => region.serves)
  const asked = serving.filter(({ name }) => given.edges?.includes(name) ?? true)
  const customers = new Customers(
    asked.map(({ name }) => name),
    options.seed,
  )
  const { domain, ports } = world.topology
  const shop = { port: ports.http, domain, answerTimeoutMs: answerMs }
  let since = new Date(Date.now() - clockMarginMs).toISOString()

  type Request = { path: string; customer: string; body?: string }

  /** The fields common to every record, and the answer if there was one. */
  async function send(region: Region, { path, customer, body }: Request) {
    const invokedMs = clockMs()
    const headers = {
      host: domain,
      accept: 'application/json',
      cookie: `shop_customer=${customer}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    let answer: HttpAnswer | undefined
    let failed: unknown
    try {
      answer = await callHttp({
        host: region.address,
        port: ports.http,
        path,
        ...(body === undefined ? {} : { method: 'POST', body }),
        headers,
        timeoutMs: options.answerTimeoutMs,
        maxBytes: longestAnswerBytes,
      })
    } catch (error) {
      failed = error
    }
    const served = answer?.headers['nearside-region']
    const rest = {
      edge: region.name,
      invokedMs,
      completedMs: clockMs(),
      why: answer
        ? `${answer.status}${answer.status >= 400 ? ` ${answer.body.slice(0, 160)}` : ''}`
        : failed instanceof HttpError
          ? failed.reason
          : messageOf(failed),
      ...(typeof served === 'string' ? { servedBy: served } : {}),
    }
    return { answer, failed, rest }
  }

  async function order(region: Region, n: number, record: RecordOp): Promise<void> {
    const { user, customer, reference, body } = customers.order(region.name, n)
    const { answer, failed, rest } = await send(region, { path: '/orders', customer, body })
    const outcome = answer ? outcomeOf(answer) : outcomeOfError(failed)
    record({ kind: 'order', user, customer, reference, outcome, ...rest })
  }

  async function browse(region: Region, record: RecordOp): Promise<void> {
    const { user, customer, page } = customers.visit(region.name)
    const { answer, rest } = await send(region, { path: page ?? '/orders', customer })
    if (page !== undefined)
      return record({
        kind: 'page',
        user,
        path: page,
        outcome: answer?.status === 200 ? 'ok' : 'fail',
        ...rest,
      })
    const references = answer?.status === 200 ? referencesIn(answer.body) : undefined
    const outcome = references ? ('ok' as const) : ('fail' as const)
    record({ kind: 'readOrders', user, customer, references: references ?? [], outcome, ...rest })
  }

  return {
    name: 'orders',

    async prepare() {
      since = new Date(Date.now() - clockMarginMs).toISOString()
      const [first] = asked
      try {
        if (!first) throw new Error('no region serves users')
        const { body } = await askShop(shop, first, '/api/orders?reference=none', 'primary')
        if (!('orders' in parsed(body))) throw new Error('the answer is not that of the example shop')
      } catch (cause) {
        throw new NearsideError(
          'workload_no_shop',
          `${domain}: expected the example shop: ${messageOf(cause)}`,
          {
            remedy: 'orders require examples/shop; the ledger works with every app',
            cause,
          },
        )
      }
    },

    async run(signal, record) {
      const loop = { signal, maxInFlight: options.maxInFlight }
      await Promise.all(
        asked.flatMap((region) => [
          openLoop({
            ...loop,
            perSecond: options.writesPerSecond,
            begin: (n) => order(region, n, record),
            refuse: (n, why) => {
              const { user, customer, reference } = customers.order(region.name, n)
              record({ kind: 'order', user, customer, reference, ...refused(region, why) })
            },
          }),
          openLoop({
            ...loop,
            perSecond: options.readsPerSecond,
            begin: () => browse(region, record),
            refuse: (_, why) => {
              const { user, page } = customers.visit(region.name)
              record({ kind: 'page', user, path: page ?? '/orders', ...refused(region, why) })
            },
          }),
        ]),
      )
    },

    async final() {
      const meant = { since, prefix: customers.prefix }
      const full = world.regions.filter((region) => region.full)
      return viewsWhenEqual({
        primary: () => firstOf(serving.map((region) => () => showOrders(shop, region, 'primary', meant))),
        replica: (name) => showOrders(shop, full.find((region) => region.name === name)!, 'replica', meant),
        regions: full.map(({ name }) => name),
        catchUpMs: options.catchUpMs,
      })
    },

    async cleanUp() {},
  }
}

function refused(
  region: Region,
  why: string,
): Pick<NewOp, 'edge' | 'invokedMs' | 'completedMs' | 'why'> & { outcome: 'fail' } {
  const atMs = clockMs()
  return { edge: region.name, invokedMs: atMs, completedMs: atMs, outcome: 'fail', why }
}

function referencesIn(body: string): string[] | undefined {
  const { orders } = parsed(body) as { orders?: { reference?: unknown }[] }
  if (!Array.isArray(orders)) return undefined
  return orders.map(({ reference }) => String(reference))
}

/** The first success, trying one after another. */
async function firstOf<T>(tries: readonly (() => Promise<T>)[]): Promise<T> {
  let failed: unknown
  for (const attempt of tries)
    try {
      return await attempt()
    } catch (error) {
      failed = error
    }
  throw failed
}
