import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { neverSent } from '../../../src/engines/haproxy/layout.ts'
import type { Source, View } from '../../../src/lab/history.ts'
import { Users } from '../../../src/lab/workloads/ledger/users.ts'
import { openLoop } from '../../../src/lab/workloads/loop.ts'
import { Customers } from '../../../src/lab/workloads/orders/customers.ts'
import { outcomeOf, outcomeOfError } from '../../../src/lab/workloads/orders/outcome.ts'
import { viewsWhenEqual } from '../../../src/lab/workloads/until-equal.ts'
import { HttpError } from '../../../src/lib/http.ts'

describe('an open loop', () => {
  test('begins operations when it is their time, whether or not earlier ones have ended', async () => {
    const stop = new AbortController()
    const answers = Promise.withResolvers<void>()
    let begun = 0
    const running = openLoop({
      perSecond: 1000,
      signal: stop.signal,
      maxUnderWay: 50,
      begin: () => {
        begun += 1
        if (begun === 50) stop.abort()
        return answers.promise
      },
      refuse: () => assert.fail('there was room'),
    })
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
    let over = false
    running.then(() => (over = true))
    await delay(20)
    // What was begun is waited for.
    assert.equal(over, false)
    answers.resolve()
    await running
  })

  test('refuses what has no place, and counts on', async () => {
    const stop = new AbortController()
    const refused: number[] = []
    const begun: number[] = []
    await openLoop({
      perSecond: 1000,
      signal: stop.signal,
      maxUnderWay: 3,
      begin: (n) => {
        begun.push(n)
        return new Promise((resolve) => stop.signal.addEventListener('abort', () => resolve()))
      },
      refuse: (n) => {
        refused.push(n)
        if (refused.length === 5) stop.abort()
      },
    })
    assert.deepEqual(begun, [0, 1, 2])
    assert.deepEqual(refused.slice(0, 5), [3, 4, 5, 6, 7])
  })

  test('tells of an operation that was not recorded', async () => {
    const stop = new AbortController()
    const running = openLoop({
      perSecond: 1000,
      signal: stop.signal,
      maxUnderWay: 100,
      begin: async () => {
        await new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
        throw new RangeError('a defect')
      },
      refuse: () => undefined,
    })
    setTimeout(() => stop.abort(), 30)
    await assert.rejects(running, /not recorded: a defect/)
  })
})

describe('users of the ledger', () => {
  test('write and read the same lists in every region, each value and reference once', () => {
    const users = new Users(['east', 'west'], 20, 1)
    const all = ['east', 'west'].flatMap((region) =>
      Array.from({ length: 2000 }, (_, n) => [users.write(region, n), users.read(region)]).flat(),
    )
    const appends = all.filter((one) => one.kind === 'append')
    assert.equal(new Set(appends.map(({ list, value }) => `${list} ${value}`)).size, appends.length)
    const perList = Map.groupBy(appends, ({ list }) => list)
    assert.ok([...perList.values()].every((some) => some.length <= 50))
    const transfers = all.filter((one) => one.kind === 'transfer')
    assert.ok(transfers.every(({ from, to, amount }) => from !== to && amount > 0))
    assert.equal(new Set(transfers.map(({ reference }) => reference)).size, 2000)
    const reads = all.filter((one) => one.kind === 'readList')
    assert.ok(
      reads.some(({ source }) => source === 'primary') && reads.some(({ source }) => source === 'replica'),
    )
  })

  test('do the same with the same seed', () => {
    const some = (seed: number) => {
      const users = new Users(['east', 'west'], 20, seed)
      return Array.from({ length: 50 }, (_, n) => [users.write('west', n), users.read('east')])
    }
    assert.deepEqual(some(7), some(7))
    assert.notDeepEqual(some(7), some(8))
  })
})

describe('customers of the shop', () => {
  test('come as somebody else before their page cannot show all their orders', () => {
    const customers = new Customers(['east'], 1)
    const orders = Array.from({ length: 3000 }, (_, n) => customers.order('east', n))
    const byCustomer = Map.groupBy(orders, ({ customer }) => customer)
    assert.ok([...byCustomer.values()].every((some) => some.length <= 40))
    assert.ok(orders.every(({ reference }) => /^[\w.:-]{1,64}$/.test(reference)))
    assert.notEqual(new Customers(['east'], 1).prefix, customers.prefix)
  })
})

describe('the outcome of an order', () => {
  const answer = (status: number, body = '') => ({ status, headers: {}, body })
  const table: [string, ReturnType<typeof answer>, string][] = [
    ['placed', answer(201), 'ok'],
    ['placed before', answer(200), 'ok'],
    ['refused by the shop, nothing written', answer(503, '{"error":{"code":"unavailable"}}'), 'fail'],
    ['in doubt', answer(503, '{"error":{"code":"outcome_unknown"}}'), 'unknown'],
    ['held too long by the edge', answer(503, neverSent.noPrimary), 'fail'],
    ['one too many to be held', answer(503, neverSent.tooMany), 'fail'],
    ['any other 503', answer(503, '<html>'), 'unknown'],
    ['broken off', answer(502), 'unknown'],
    ['not answered in time', answer(504), 'unknown'],
    ['not understood', answer(400, '{"error":{"code":"invalid_order"}}'), 'fail'],
    ['a redirect', answer(303), 'unknown'],
    ['the same reference with other products', answer(409), 'unknown'],
  ]
  for (const [what, given, outcome] of table)
    test(`${what}: ${outcome}`, () => assert.equal(outcomeOf(given), outcome))
  test('no connection: fail; a connection that broke: unknown; anything else: unknown', () => {
    assert.equal(
      outcomeOfError(new HttpError('http_refused', 'host:80', { reason: 'ECONNREFUSED', sent: false })),
      'fail',
    )
    assert.equal(
      outcomeOfError(new HttpError('http_broken', 'host:80', { reason: 'ECONNRESET', sent: true })),
      'unknown',
    )
    assert.equal(outcomeOfError(new TypeError('?')), 'unknown')
  })
})

describe('the end of a run', () => {
  const view = (region: string, source: Source, values: string[]): View => ({
    region,
    source,
    lists: [['l', values]],
  })

  test('is looked at until every database shows the same', async () => {
    let looks = 0
    const { views, absent } = await viewsWhenEqual({
      primary: async () => view('east', 'primary', ['a']),
      replica: async (region) => {
        looks += 1
        if (looks < 3) throw new Error('starting up')
        return view(region, 'replica', looks < 5 ? [] : ['a'])
      },
      regions: ['west'],
      catchUpMs: 10_000,
    })
    assert.deepEqual([views.length, absent, looks], [2, [], 5])
  })

  test('shows what differs, or is silent, when it has waited long enough', async () => {
    const { views, absent } = await viewsWhenEqual({
      primary: async () => view('east', 'primary', ['a']),
      replica: async (region) => {
        if (region === 'west') throw new Error('ECONNREFUSED')
        return view(region, 'replica', [])
      },
      regions: ['east', 'west'],
      catchUpMs: 10,
    })
    assert.equal(views.length, 2)
    assert.deepEqual(absent, [{ region: 'west', source: 'replica', why: 'ECONNREFUSED' }])
  })

  test('is no end without a primary', async () => {
    const nobody = async () => {
      throw new Error('no primary')
    }
    const look = { primary: nobody, replica: nobody, regions: ['west'], catchUpMs: 10 }
    await assert.rejects(viewsWhenEqual(look), { code: 'workload_no_primary' })
  })
})
