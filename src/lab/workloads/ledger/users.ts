import { pick, type Random, seeded, wholeBetween } from '../../users/plan/random.ts'
import { accountCount } from './schema.ts'

export type Intent =
  | { kind: 'append'; user: string; list: string; value: string }
  | { kind: 'transfer'; user: string; reference: string; from: string; to: string; amount: number }
  | { kind: 'readList'; user: string; list: string; source: 'primary' | 'replica' }
  | { kind: 'readAccounts'; user: string; source: 'primary' | 'replica' }

/** Appends to one list wait for each other, a few round trips each; hence as many lists as appends per second. */
const secondsPerAppend = 1
const usersPerGroup = 2
/** After this many, the group starts a new list: reads stay short, however long the run. */
const appendsPerList = 50

/**
 * Assigns operations to users. A user has a home region and belongs to a group with members in every region, which
 * writes and reads one list at a time. So each list is used from everywhere, and users read what they wrote.
 */
export class Users {
  readonly #random: ReadonlyMap<string, Random>
  readonly #tried: number[]

  constructor(regions: readonly string[], writesPerSecond: number, seed: number) {
    this.#random = new Map(regions.map((region) => [region, seeded(seed, `ledger ${region}`)]))
    const appendsPerSecond = (writesPerSecond / 2) * regions.length
    this.#tried = Array.from({ length: Math.max(2, Math.ceil(appendsPerSecond * secondsPerAppend)) }, () => 0)
  }

  write(region: string, n: number): Intent {
    const random = this.#randomOf(region)
    const { user, group } = this.#userOf(region, random)
    if (n % 2 === 0) {
      const list = this.#listOf(group)
      this.#tried[group]! += 1
      return { kind: 'append', user, list, value: `${region}-${n}` }
    }
    const from = wholeBetween(random, 1, accountCount)
    const to = ((from - 1 + wholeBetween(random, 1, accountCount - 1)) % accountCount) + 1
    return {
      ...{ kind: 'transfer', user, reference: `${region}-${n}` },
      ...{ from: `account-${from}`, to: `account-${to}`, amount: wholeBetween(random, 1, 9) },
    }
  }

  read(region: string): Intent {
    const random = this.#randomOf(region)
    const { user, group } = this.#userOf(region, random)
    const source = random() < 0.25 ? 'primary' : 'replica'
    if (random() < 0.15) return { kind: 'readAccounts', user, source }
    return { kind: 'readList', user, list: this.#listOf(group), source }
  }

  #randomOf(region: string): Random {
    return this.#random.get(region)!
  }

  #userOf(region: string, random: Random): { user: string; group: number } {
    const group = pick(random, [...this.#tried.keys()])
    const member = wholeBetween(random, 1, usersPerGroup)
    return { user: `ledger-${region}-${group}-${member}`, group }
  }

  #listOf(group: number): string {
    return `list-${group}-${Math.floor(this.#tried[group]! / appendsPerList)}`
  }
}
