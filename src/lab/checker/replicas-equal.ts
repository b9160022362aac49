import type { View } from '../history.ts'
import { someOf } from './describe.ts'
import { type Evidence, nameOf, type ViewEvidence } from './evidence.ts'
import type { Finding } from './types.ts'

/** At the end, every database has the same content as the primary in the same order, and every database answered. */
export function replicasEqual({ final, views, writes }: Evidence): Finding {
  const [first, ...others] = views
  const absent = final.absent.map(({ region, source, why }) => ({
    what: `${source === 'primary' ? 'the primary' : region}’s database could not be read: ${why}`,
    ops: [],
  }))
  if (!first || others.length === 0) return { violations: absent, checkedOps: 0 }
  return {
    violations: [...absent, ...others.flatMap((other) => differences(first, other, writes))],
    checkedOps: others.length * writes.length,
  }
}

function differences(
  first: ViewEvidence,
  other: ViewEvidence,
  writes: Evidence['writes'],
): Finding['violations'] {
  const entries = writes
    .filter(
      ({ kind }, number) =>
        first.counts[number] !== other.counts[number] && first.shows.has(kind) && other.shows.has(kind),
    )
    .map(nameOf)
  for (const name of new Set([...first.unasked.keys(), ...other.unasked.keys()]))
    if (first.unasked.get(name) !== other.unasked.get(name)) entries.push(name)
  const found =
    entries.length > 0
      ? [`${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}: ${someOf(entries)}`]
      : []
  const lists = otherOrder(first.view, other.view)
  if (entries.length === 0 && lists.length > 0) found.push(`the order of ${someOf(lists)}`)
  const accounts = otherBalances(first.view, other.view)
  if (accounts.length > 0) found.push(`the balance of ${someOf(accounts)}`)
  return found.map((what) => ({ what: `${other.name} and ${first.name} differ in ${what}`, ops: [] }))
}

function otherOrder(first: View, other: View): string[] {
  if (!first.lists) return []
  const expected = new Map(first.lists)
  return (other.lists ?? [])
    .filter(([list, values]) => {
      const order = expected.get(list) ?? []
      return order.length !== values.length || values.some((value, index) => value !== order[index])
    })
    .map(([list]) => list)
}

function otherBalances(first: View, other: View): string[] {
  if (!first.accounts || !other.accounts) return []
  const expected = new Map(first.accounts)
  const shown = new Map(other.accounts)
  return [...new Set([...expected.keys(), ...shown.keys()])].filter(
    (account) => expected.get(account) !== shown.get(account),
  )
}
