import type { Balances, TransferOp } from '../history.ts'
import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import type { Finding } from './types.ts'

/**
 * Transfers move money and never create it: every snapshot that a user read, and every final database, has the initial
 * accounts and their total. At the end, each balance also matches the transfers that exist.
 */
export function constantTotal({ ops, final, views, writes }: Evidence): Finding {
  const start = final.accountsAtStart
  if (!start) return { violations: [], checkedOps: 0 }
  const accounts = new Set(start.map(([account]) => account))
  const total = totalOf(start)
  const violations: Finding['violations'] = []
  let checkedOps = 0

  const checkSnapshot = (where: string, balances: Balances, ids: number[]) => {
    checkedOps += 1
    const sum = totalOf(balances)
    const same = balances.length === accounts.size && balances.every(([account]) => accounts.has(account))
    if (!same)
      violations.push({
        what: `${where} showed ${balances.length} accounts instead of the initial ${accounts.size}`,
        ops: ids,
      })
    else if (sum !== total)
      violations.push({ what: `${where} showed a total of ${sum}, expected ${total}`, ops: ids })
  }
  for (const op of ops)
    if (op.kind === 'readAccounts' && op.outcome === 'ok') checkSnapshot(describe(op), op.balances, [op.id])

  for (const { view, name, counts } of views) {
    if (!view.accounts) continue
    checkSnapshot(name, view.accounts, [])
    if (!view.transfers) continue
    const expected = new Map(start)
    const move = (account: string, amount: number) =>
      expected.set(account, (expected.get(account) ?? 0) + amount)
    for (const [number, { kind, ops }] of writes.entries()) {
      if (kind !== 'transfer' || counts[number] === 0) continue
      const { from, to, amount } = ops[0] as TransferOp
      move(from, -amount * counts[number]!)
      move(to, amount * counts[number]!)
    }
    for (const [account, balance] of view.accounts)
      if (expected.get(account) !== balance)
        violations.push({
          what: `${name} has ${balance} in ${account}, but its transfers add up to ${expected.get(account) ?? 0}`,
          ops: [],
        })
  }
  return { violations, checkedOps }
}

const totalOf = (balances: Balances) => balances.reduce((sum, [, balance]) => sum + balance, 0)
