import type { Coverage } from './networks.ts'
import { type PrefixTree, unranked } from './prefix-tree.ts'
import { type Rankings, rank } from './rankings.ts'
import type { FamilySummary } from './table.ts'

/** What the bound on prefixes and the gaps of the database cost in one family. */
export function summarise(
  tree: PrefixTree,
  cuts: Uint8Array,
  regionCount: number,
  rankings: Rankings,
  { networks, addresses, countryOnly }: Coverage,
): FamilySummary {
  const root = tree.count - 1
  const known = { networks: tree.networks[root]!, addresses: tree.addresses[root]! }
  const misled = { networks: 0, addresses: 0 }

  /** Adds what below the node does not get its nearest region, if everything below it gets `answer`. */
  const count = (node: number, answer: number): void => {
    const left = tree.left[node]!
    if (left !== -1) {
      count(left, answer)
      count(node - 1, answer)
    } else if (tree.ranking[node] !== unranked && rankings.order(tree.ranking[node]!)[0] !== answer) {
      misled.networks += tree.networks[node]!
      misled.addresses += tree.addresses[node]!
    }
  }
  const visit = (node: number): void => {
    const left = tree.left[node]!
    if (left === -1) return
    if (cuts[node] === 0) {
      visit(left)
      visit(node - 1)
    } else {
      count(node, rank(tree.distance.subarray(node * regionCount, (node + 1) * regionCount))[0]!)
    }
  }
  visit(root)

  const share = (part: number, whole: number) => (whole > 0 ? Math.round((part / whole) * 1e6) / 1e6 : 0)
  return {
    networks: Math.round(networks),
    countryOnly: {
      networks: share(countryOnly, networks),
      addresses: share(addresses - known.addresses, addresses),
    },
    misled: {
      networks: share(misled.networks, known.networks),
      addresses: share(misled.addresses, known.addresses),
    },
  }
}
