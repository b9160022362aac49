import type { View } from '../history.ts'
import { someOf } from './describe.ts'
import { type Evidence, nameOfKey, type ViewEvidence } from './evidence.ts'
import type { Finding } from './types.ts'

/** At the end every database shows the same as the primary, in the same order; and every one shows something. */
export function replicasEqual({ final, views }: Evidence): Finding {
  const [first, ...others] = views
  const absent = final.absent.map(({ region, source, why }) => ({
    what: `${source === 'primary' ? 'the primary' : region}’s database showed nothing: ${why}`,
    ops: [],
  }))
  if (!first || others.length === 0) return { violations: absent, checkedOps: 0 }
  return {
    violations: [...absent, ...others.flatMap((other) => differences(first, other))],
    checkedOps: others.reduce((sum, { counts }) => sum + counts.size, 0),
  }
}

function differences(first: ViewEvidence, other: ViewEvidence): Finding['violations'] {
  const both = (one: ViewEvidence, two: ViewEvidence) =>
    [...one.counts]
      .filter(([key, count]) => two.shows.has(kindOf(key)) && two.counts.get(key) !== count)
      .map(([key]) => key)
  const keys = [...new Set([...both(first, other), ...both(other, first)])].map(nameOfKey)
  const found = keys.length > 0 ? [`${keys.length} entries: ${someOf(keys)}`] : []
  const lists = otherOrder(first.view, other.view)
  if (keys.length === 0 && lists.length > 0) found.push(`the order of ${someOf(lists)}`)
  const accounts = otherBalances(first.view, other.view)
  if (accounts.length > 0) found.push(`the balance of ${someOf(accounts)}`)
  return found.map((what) => ({ what: `${other.name} and ${first.name} differ in ${what}`, ops: [] }))
}

const kindOf = (key: string) => key.slice(0, key.indexOf(' ')) as 'append' | 'transfer' | 'order'

function otherOrder(first: View, other: View): string[] {
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
