import type { PrefixTree } from './prefix-tree.ts'
import { distanceOf, rank } from './rankings.ts'

/** Per tree: 1 for every node that stands as one prefix, whatever is below it. */
type Pruning = Uint8Array[]

/**
 * Chooses which subtrees become one prefix so that there are at most `maxPrefixes`, sending users as little out of
 * their way as possible.
 *
 * Every prefix is given a price, and a subtree becomes one prefix exactly when the extra distance of that costs less
 * than the prefixes saved. For any price this is the optimal cut of the tree for as many prefixes as it has
 * (Lagrangian relaxation; Breiman et al. 1984, chapter 3, prune trees the same way). The lowest price that keeps the
 * bound is found by halving. Both families share one price; each family's users count as half of all, since nothing
 * is known about how many there are, and inside a family every address counts alike.
 */
export function prune(trees: readonly PrefixTree[], regionCount: number, maxPrefixes: number): Pruning {
  const extras = trees.map((tree) => extraDistances(tree, regionCount))
  const cut = (price: number): { cuts: Pruning; prefixes: number } => {
    const results = trees.map((tree, index) => cutTree(tree, extras[index]!, price))
    return {
      cuts: results.map((result) => result.cuts),
      prefixes: results.reduce((sum, result) => sum + result.prefixes, 0),
    }
  }
  const everything = trees.map((tree) =>
    Uint8Array.from({ length: tree.count }, (_, i) => +(tree.left[i] === -1)),
  )
  const leaves = everything.reduce(
    (sum, cuts) =>
      sum +
      Math.max(
        2,
        cuts.reduce((a, b) => a + b, 0),
      ),
    0,
  )
  if (leaves <= maxPrefixes) return everything

  // A price above half the earth's circumference saves any prefix.
  let [tooLow, enough] = [Math.log(1e-15), Math.log(1e6)]
  for (let step = 0; step < 50; step++) {
    const middle = (tooLow + enough) / 2
    if (cut(Math.exp(middle)).prefixes > maxPrefixes) tooLow = middle
    else enough = middle
  }
  return cut(Math.exp(enough)).cuts
}

/** Per node: by how many km its addresses' mean distance grows when they share one ranking. */
function extraDistances(tree: PrefixTree, regionCount: number): Float64Array {
  const root = tree.count - 1
  const total = tree.weight[root]! || 1
  const extra = new Float64Array(tree.count)
  for (let node = 0; node < tree.count; node++) {
    if (tree.left[node] === -1) continue
    const distances = tree.distance.subarray(node * regionCount, (node + 1) * regionCount)
    extra[node] = Math.max(0, distanceOf(rank(distances), distances) - tree.least[node]!) / total
  }
  return extra
}

function cutTree(
  tree: PrefixTree,
  extra: Float64Array,
  price: number,
): { cuts: Uint8Array; prefixes: number } {
  const cuts = new Uint8Array(tree.count)
  const cost = new Float64Array(tree.count)
  const prefixes = new Uint32Array(tree.count)
  const root = tree.count - 1
  for (let node = 0; node < tree.count; node++) {
    const left = tree.left[node]!
    const whole = extra[node]! + price
    const parted = left === -1 ? Number.POSITIVE_INFINITY : cost[left]! + cost[node - 1]!
    // The root stays parted and counts as two: see uniformCover.
    if (whole <= parted && (node !== root || left === -1)) {
      cuts[node] = 1
      cost[node] = whole
      prefixes[node] = 1
    } else {
      cost[node] = parted
      prefixes[node] = prefixes[left]! + prefixes[node - 1]!
    }
  }
  return { cuts, prefixes: Math.max(2, prefixes[root]!) }
}
