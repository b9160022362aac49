import type { Balances, FinalState, History, NewOp, Outcome, Place, View } from '../../../src/lab/history.ts'
import { Recorder } from '../../../src/lab/history.ts'

/** A small, fast and portable generator (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

/**
 * A perfect world: operations happen one after another, answers may be late or missing, failovers move the primary, and
 * replicas never lag. Its users' history breaks no guarantee.
 */
export function simulated(seed: number, count: number): { history: History; final: FinalState } {
  const random = randomOf(seed)
  const recorder = new Recorder({ version: 1, world: 'simulated', bootId: 'boot', epochOffsetMs: 0, seed })
  const lists = new Map<string, string[]>()
  const balances = new Map<string, number>(Array.from({ length: 10 }, (_, n) => [`account-${n}`, 100]))
  const accountsAtStart: Balances = [...balances]
  const transfers: [string, number][] = []
  const orders = new Map<string, string[]>()
  const place: Place = { server: 'east', timeline: 1 }
  let atMs = 1000

  for (let n = 0; n < count; n += 1) {
    atMs += 1
    if (random(count) < 5) {
      place.timeline += 1
      place.server = place.timeline % 2 === 0 ? 'west' : 'east'
    }
    const user = `user-${random(50)}`
    const common = {
      user,
      edge: random(2) === 0 ? 'east' : 'west',
      invokedMs: atMs - random(80) / 10,
      completedMs: atMs + random(80) / 10,
      why: '',
    }
    const outcome: Outcome = random(20) > 0 ? 'ok' : random(2) === 0 ? 'fail' : 'unknown'
    // Half of the unanswered operations were applied.
    const applied = outcome === 'ok' || (outcome === 'unknown' && random(2) === 0)
    const sql = { commitSentMs: common.invokedMs, ...(outcome === 'ok' ? { place: { ...place } } : {}) }
    // A list gets about a hundred appends before the next one starts.
    const list = `list-${Math.floor(n / 1000)}-${random(4)}`
    const source = random(2) === 0 ? ('primary' as const) : ('replica' as const)
    const customer = `${user}-${Math.floor(n / 10_000)}`
    const operations: (() => NewOp)[] = [
      () => {
        if (applied) lists.set(list, [...(lists.get(list) ?? []), `v${n}`])
        return { ...common, ...sql, outcome, kind: 'append', list, value: `v${n}` }
      },
      () => {
        const [from, to, amount] = [`account-${random(10)}`, `account-${random(10)}`, 1 + random(9)]
        if (applied) {
          balances.set(from, balances.get(from)! - amount)
          balances.set(to, balances.get(to)! + amount)
          transfers.push([`t${n}`, 1])
        }
        return { ...common, ...sql, outcome, kind: 'transfer', reference: `t${n}`, from, to, amount }
      },
      () => {
        if (applied) orders.set(customer, [...(orders.get(customer) ?? []), `o${n}`])
        return { ...common, ...sql, outcome, kind: 'order', reference: `o${n}`, customer }
      },
      () => ({ ...common, outcome: 'ok', kind: 'readList', list, source, values: lists.get(list) ?? [] }),
      () => ({ ...common, outcome: 'ok', kind: 'readAccounts', source, balances: [...balances] }),
      () => ({
        ...common,
        outcome: 'ok',
        kind: 'readOrders',
        customer,
        references: orders.get(customer) ?? [],
      }),
    ]
    recorder.record(operations[random(operations.length)]!())
  }

  const shown = {
    lists: [...lists],
    accounts: [...balances],
    transfers,
    orders: [...orders.values()].flat().map((reference) => [reference, 1] as const),
  }
  const views: View[] = [
    { region: 'east', source: 'primary', ...shown },
    { region: 'east', source: 'replica', ...shown },
    { region: 'west', source: 'replica', ...shown },
  ]
  return { history: recorder.history(), final: { accountsAtStart, views, absent: [] } }
}
