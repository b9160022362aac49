import { addressBits, type Family } from '../geo/prefix.ts'

/** Lengths of the blocks whose networks are compared with those that lack a city, shortest first. */
const blockLengths: Record<Family, readonly number[]> = {
  4: [8, 10, 12, 14, 16, 18, 20, 22],
  6: [16, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44],
}

/** Most that one part of a block counts, in networks: a thousand networks in one part are one fact, not a thousand. */
const partCap = 4
/** Networks that what is already known of the larger block counts as, when a smaller block is added to it. */
const priorNetworks = 4

/** Sums of the distances to each region, km, and as the last number how many networks they are of. */
type Sums = Float64Array

type Open = { block: number; byCountry: Map<number, { sums: Sums; isWanted: boolean }> }

/**
 * Estimates the distances from networks of which a database knows the country only.
 *
 * The estimate starts with the country's distances (`prior`) and is refined block by block, from /8 down to the smallest
 * block around the network: what the block's known networks of the same country say counts against what the larger block
 * said (shrinkage). All networks are first passed to `add` in address order; then `distances` may be called.
 */
export class Belief {
  readonly #family: Family
  readonly #regionCount: number
  readonly #open: Open[]
  readonly #numbers = new Map<string, number>()
  /** Per block length, by block and country: the position in `#sums`. */
  readonly #found: Map<number, number>[]
  #sums = new Float64Array(0)
  #used = 0
  /** What `distances` returns. */
  readonly #mean: Float64Array

  constructor(family: Family, regionCount: number) {
    this.#family = family
    this.#regionCount = regionCount
    this.#mean = new Float64Array(regionCount)
    this.#open = blockLengths[family].map(() => ({ block: -1, byCountry: new Map() }))
    this.#found = blockLengths[family].map(() => new Map())
  }

  /** `distances` is undefined for a network that lacks a city. */
  add(
    net: { length: number; high: number; low: number },
    country: string,
    distances: Float64Array | undefined,
  ): void {
    const number = this.#numberOf(country)
    if (number === undefined) return
    const lengths = blockLengths[this.#family]
    let deepest = lengths.length - 1
    while (deepest >= 0 && lengths[deepest]! > net.length) deepest--
    // Where a block is still the same, the larger ones around it are, too.
    let changed = deepest
    while (changed >= 0 && this.#open[changed]!.block !== blockAt(net, lengths[changed]!)) changed--
    changed++
    this.#closeFrom(changed)
    for (let level = changed; level <= deepest; level++) {
      this.#open[level]!.block = blockAt(net, lengths[level]!)
    }
    if (distances) {
      if (deepest >= 0) addTo(this.#entry(deepest, number).sums, distances, 1, 1)
      return
    }
    // A block as small as the network itself contains nothing else.
    for (let level = 0; level <= deepest && lengths[level]! < net.length; level++) {
      this.#entry(level, number).isWanted = true
    }
  }

  /** Ends the first part: everything has been added. */
  close(): void {
    this.#closeFrom(0)
  }

  /** Valid until the next call: millions of arrays would take longer to collect than to compute. */
  distances(
    net: { length: number; high: number; low: number },
    country: string,
    prior: Float64Array,
  ): Float64Array {
    const number = this.#numberOf(country)
    const mean = this.#mean
    mean.set(prior)
    if (number === undefined) return mean
    const lengths = blockLengths[this.#family]
    for (let level = 0; level < lengths.length && lengths[level]! < net.length; level++) {
      const at = this.#found[level]!.get(blockAt(net, lengths[level]!) * countries + number)
      if (at === undefined) continue
      const networks = this.#sums[at + this.#regionCount]!
      for (let region = 0; region < this.#regionCount; region++) {
        mean[region] = (this.#sums[at + region]! + priorNetworks * mean[region]!) / (networks + priorNetworks)
      }
    }
    return mean
  }

  #numberOf(country: string): number | undefined {
    const known = this.#numbers.get(country)
    if (known !== undefined) return known
    if (this.#numbers.size === countries) return undefined
    this.#numbers.set(country, this.#numbers.size)
    return this.#numbers.size - 1
  }

  #entry(level: number, country: number): { sums: Sums; isWanted: boolean } {
    const { byCountry } = this.#open[level]!
    const known = byCountry.get(country)
    if (known) return known
    const made = { sums: new Float64Array(this.#regionCount + 1), isWanted: false }
    byCountry.set(country, made)
    return made
  }

  /** Closes blocks from the smallest: each adds to the one around it, and is kept when a network needs it. */
  #closeFrom(level: number): void {
    for (let at = this.#open.length - 1; at >= level; at--) {
      const open = this.#open[at]!
      if (open.block === -1) continue
      for (const [country, { sums, isWanted }] of open.byCountry) {
        const networks = sums[this.#regionCount]!
        if (networks === 0) continue
        if (isWanted) this.#keep(at, open.block * countries + country, sums)
        const counted = Math.min(networks, partCap)
        if (at > 0) addTo(this.#entry(at - 1, country).sums, sums, counted / networks, counted)
      }
      open.byCountry.clear()
      open.block = -1
    }
  }

  #keep(level: number, key: number, sums: Sums): void {
    if (this.#used + sums.length > this.#sums.length) {
      const grown = new Float64Array(Math.max(65_536, this.#sums.length * 2))
      grown.set(this.#sums)
      this.#sums = grown
    }
    this.#sums.set(sums, this.#used)
    this.#found[level]!.set(key, this.#used)
    this.#used += sums.length
  }
}

/** More than there are (250), and with a block of 44 bits few enough for an exact number. */
const countries = 512

function addTo(sums: Sums, distances: Float64Array, factor: number, networks: number): void {
  const last = sums.length - 1
  for (let region = 0; region < last; region++) sums[region]! += distances[region]! * factor
  sums[last]! += networks
}

/** The first `length` bits of the address as a number. */
function blockAt({ high, low }: { high: number; low: number }, length: number): number {
  if (length <= 32) return Math.floor(high / 2 ** (32 - length))
  return high * 2 ** (length - 32) + Math.floor(low / 2 ** (addressBits[6] - length))
}
