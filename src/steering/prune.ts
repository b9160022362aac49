import type { PrefixTree } from './prefix-tree.ts'
import { distanceOf, rank } from './rankings.ts'

/** Share of the bound that ends the search for the price: what is left would take longer than it is worth. */
const fullEnough = 0.9999

/** Per tree: 1 for every node that becomes one prefix, together with everything below it. */
type Pruning = Uint8Array[]

/**
 * Chooses the subtrees to merge into one prefix each, so that at most `maxPrefixes` remain and users are sent as little
 * farther as possible.
 *
 * Every prefix has a price. A subtree is merged exactly when the extra distance costs less than the prefixes that it
 * saves. For any price, the result is the optimal pruning with that number of prefixes (Lagrangian relaxation; Breiman
 * et al. 1984, chapter 3, prune decision trees the same way). Bisection finds the lowest price that keeps the bound.
 * Both families share one price. Each family counts as half of all users, since their numbers are unknown.
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

  // The upper bound exceeds any possible extra distance (half the earth's circumference), so every subtree is merged.
  let [tooLow, enough] = [Math.log(1e-15), Math.log(1e6)]
  for (let step = 0; step < 50; step++) {
    const middle = (tooLow + enough) / 2
    const { prefixes } = cut(Math.exp(middle))
    if (prefixes > maxPrefixes) tooLow = middle
    else enough = middle
    if (prefixes <= maxPrefixes && prefixes >= maxPrefixes * fullEnough) break
  }
  return cut(Math.exp(enough)).cuts
}

/** Per node: km added to the mean distance of all addresses if those below the node share one ranking. */
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
    const split = left === -1 ? Number.POSITIVE_INFINITY : cost[left]! + cost[node - 1]!
    // The root always stays split and counts as two: see `uniformCover`.
    if (whole <= split && (node !== root || left === -1)) {
      cuts[node] = 1
      cost[node] = whole
      prefixes[node] = 1
    } else {
      cost[node] = split
      prefixes[node] = prefixes[left]! + prefixes[node - 1]!
    }
  }
  return { cuts, prefixes: Math.max(2, prefixes[root]!) }
}
