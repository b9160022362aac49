import type { Family } from '../geo/prefix.ts'
import { distanceOf, type Rankings, rank } from './rankings.ts'

/** The place of these addresses is unknown, so they have no ranking of their own. */
export const unranked = 0xffffffff

/**
 * A binary tree of prefixes in post-order: a node's right child immediately precedes it, its left child is in `left`. A
 * node's numbers cover all networks below it.
 */
export type PrefixTree = {
  family: Family
  count: number
  /** Index of the left child; -1 for a leaf. */
  left: Int32Array
  /** For leaves: the ranking's number, or `unranked`. */
  ranking: Uint32Array
  /** What the networks count in `distance` and `least`. */
  weight: Float64Array
  /** Number of networks whose place the database knows, and their share of the family's space. */
  networks: Float32Array
  addresses: Float32Array
  /** Per region: the sum of distance (km) times weight; `regionCount` numbers per node. */
  distance: Float64Array
  /** Sum of distance (see `distanceOf`) times weight if every address had its own best ranking. */
  least: Float64Array
}

/** A leaf's whereabouts and weight. Its `distances` are in km, by region; `networks` is 0 if they are an estimate. */
export type Leaf = { distances: Float64Array; ranking: number; weight: number; networks: number }

/**
 * Builds a tree from leaves in address order, without gaps. Two halves with the same ranking become one leaf, a half of
 * unknown place takes the other's ranking, and everything below `longest` bits becomes one leaf, ranked by the mean
 * distance of its addresses.
 */
export class PrefixTreeBuilder {
  readonly #family: Family
  readonly #longest: number
  readonly #rankings: Rankings
  readonly #regionCount: number
  #size = 0
  #left: Int32Array
  #ranking: Uint32Array
  #weight: Float64Array
  #networks: Float32Array
  #addresses: Float32Array
  #distance: Float64Array
  #least: Float64Array
  /** Finished subtrees whose right sibling is still missing: the index of the root and the prefix length. */
  readonly #open: { root: number; length: number }[] = []

  constructor(options: { family: Family; longest: number; regionCount: number; rankings: Rankings }) {
    this.#family = options.family
    this.#longest = options.longest
    this.#regionCount = options.regionCount
    this.#rankings = options.rankings
    const capacity = 1024
    this.#left = new Int32Array(capacity)
    this.#ranking = new Uint32Array(capacity)
    this.#weight = new Float64Array(capacity)
    this.#networks = new Float32Array(capacity)
    this.#addresses = new Float32Array(capacity)
    this.#distance = new Float64Array(capacity * options.regionCount)
    this.#least = new Float64Array(capacity)
  }

  /** `leaf` is undefined when nothing is known of its addresses. */
  add(length: number, leaf: Leaf | undefined): void {
    const node = this.#claim()
    const weight = leaf?.weight ?? 0
    this.#left[node] = -1
    this.#ranking[node] = leaf ? leaf.ranking : unranked
    this.#weight[node] = weight
    this.#networks[node] = leaf?.networks ?? 0
    this.#addresses[node] = leaf && leaf.networks > 0 ? 2 ** -length : 0
    for (let region = 0; region < this.#regionCount; region++) {
      this.#distance[node * this.#regionCount + region] = leaf ? leaf.distances[region]! * weight : 0
    }
    this.#least[node] = leaf ? distanceOf(this.#rankings.order(leaf.ranking), leaf.distances) * weight : 0
    this.#open.push({ root: node, length })
    this.#close()
  }

  finish(): PrefixTree {
    if (this.#open.length !== 1 || this.#open[0]!.length !== 0) throw new RangeError('the leaves leave a gap')
    return {
      family: this.#family,
      count: this.#size,
      left: this.#left,
      ranking: this.#ranking,
      weight: this.#weight,
      networks: this.#networks,
      addresses: this.#addresses,
      distance: this.#distance,
      least: this.#least,
    }
  }

  #close(): void {
    for (;;) {
      const right = this.#open.at(-1)
      const left = this.#open.at(-2)
      if (!right || !left || right.length !== left.length) return
      this.#open.length -= 2
      this.#open.push({ root: this.#join(left.root, right.root, right.length - 1), length: right.length - 1 })
    }
  }

  #join(left: number, right: number, length: number): number {
    const [leftRanking, rightRanking] = [this.#ranking[left]!, this.#ranking[right]!]
    const leaves = this.#left[left] === -1 && this.#left[right] === -1
    const equal = leftRanking === rightRanking || leftRanking === unranked || rightRanking === unranked
    if (leaves && (equal || length >= this.#longest)) {
      this.#sum(left, left, right)
      if (!equal) this.#ranking[left] = this.#rankings.numberOf(rank(this.#distances(left)))
      else if (leftRanking === unranked) this.#ranking[left] = rightRanking
      this.#size = left + 1
      return left
    }
    const node = this.#claim()
    this.#left[node] = left
    this.#sum(node, left, right)
    return node
  }

  #sum(into: number, left: number, right: number): void {
    this.#weight[into] = this.#weight[left]! + this.#weight[right]!
    this.#networks[into] = this.#networks[left]! + this.#networks[right]!
    this.#addresses[into] = this.#addresses[left]! + this.#addresses[right]!
    this.#least[into] = this.#least[left]! + this.#least[right]!
    const count = this.#regionCount
    for (let region = 0; region < count; region++) {
      this.#distance[into * count + region] =
        this.#distance[left * count + region]! + this.#distance[right * count + region]!
    }
  }

  #distances(node: number): Float64Array {
    return this.#distance.subarray(node * this.#regionCount, (node + 1) * this.#regionCount)
  }

  #claim(): number {
    if (this.#size === this.#left.length) this.#grow()
    return this.#size++
  }

  #grow(): void {
    const grown = <T extends Int32Array | Uint32Array | Float32Array | Float64Array>(from: T, into: T): T => {
      into.set(from)
      return into
    }
    const capacity = Math.ceil(this.#size * 1.5)
    this.#left = grown(this.#left, new Int32Array(capacity))
    this.#ranking = grown(this.#ranking, new Uint32Array(capacity))
    this.#weight = grown(this.#weight, new Float64Array(capacity))
    this.#networks = grown(this.#networks, new Float32Array(capacity))
    this.#addresses = grown(this.#addresses, new Float32Array(capacity))
    this.#distance = grown(this.#distance, new Float64Array(capacity * this.#regionCount))
    this.#least = grown(this.#least, new Float64Array(capacity))
  }
}
