import type { Balances } from '../history.ts'
import { describe } from './describe.ts'
import { type Evidence, transferNamed } from './evidence.ts'
import type { Finding } from './types.ts'

/**
 * Transfers move money and make none: every snapshot that anybody read, and every database at the end, has the accounts
 * of the beginning and their total. At the end each balance is also what the transfers that are there explain.
 */
export function constantTotal(evidence: Evidence): Finding {
  const { ops, final, views } = evidence
  const start = final.accountsAtStart
  if (!start) return { violations: [], checkedOps: 0 }
  const accounts = new Set(start.map(([account]) => account))
  const total = totalOf(start)
  const violations: Finding['violations'] = []
  let checkedOps = 0

  const look = (where: string, balances: Balances, ids: number[]) => {
    checkedOps += 1
    const sum = totalOf(balances)
    const same = balances.length === accounts.size && balances.every(([account]) => accounts.has(account))
    if (!same)
      violations.push({
        what: `${where} showed ${balances.length} accounts, not the ${accounts.size} of the beginning`,
        ops: ids,
      })
    else if (sum !== total)
      violations.push({ what: `${where} showed a total of ${sum}, expected ${total}`, ops: ids })
  }
  for (const op of ops)
    if (op.kind === 'readAccounts' && op.outcome === 'ok') look(describe(op), op.balances, [op.id])

  for (const { view, name } of views) {
    if (!view.accounts) continue
    look(name, view.accounts, [])
    if (!view.transfers) continue
    const expected = new Map(start)
    const move = (account: string, amount: number) =>
      expected.set(account, (expected.get(account) ?? 0) + amount)
    for (const [reference, count] of view.transfers) {
      const transfer = transferNamed(evidence, reference)
      if (!transfer) continue
      move(transfer.from, -transfer.amount * count)
      move(transfer.to, transfer.amount * count)
    }
    for (const [account, balance] of view.accounts)
      if (expected.get(account) !== balance)
        violations.push({
          what: `${name} has ${balance} in ${account}, and its transfers explain ${expected.get(account) ?? 0}`,
          ops: [],
        })
  }
  return { violations, checkedOps }
}

const totalOf = (balances: Balances) => balances.reduce((sum, [, balance]) => sum + balance, 0)
