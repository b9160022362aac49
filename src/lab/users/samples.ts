/** One request of a user and how it went. */
export type Sample = {
  /** When it was due, in ms from the start of the run. */
  atMs: number
  /** From then to the end of the answer: name, connection and waiting included. */
  latencyMs: number
  /** Of which: until the name was known, and until there was a connection; 0 when both were there. */
  dnsMs: number
  connectMs: number
  /** Index into the places. */
  place: number
  /** Number of its user in the run. */
  visitor: number
  kind: string
  /** The region that DNS named; undefined when it named none. */
  edge: string | undefined
  /** The region whose app or cache answered, as the answer says. */
  servedBy: string | undefined
  /** `HTTP 503`, `timed out`; undefined: it was answered as it should be. */
  error: string | undefined
}

const first = 4096
const mostNames = 254
const others = 'other'

/**
 * Every sample of a run in columns, 40 bytes each: a million takes 40 MB, and every percentile of every part of them
 * is exact. At most 254 different kinds, regions and errors; those that come after them are all called `other`.
 */
export class Samples {
  count = 0
  readonly names: string[] = []
  readonly #numberOf = new Map<string, number>()
  #room = first
  #at = new Float64Array(first)
  #latency = new Float32Array(first)
  #dns = new Float32Array(first)
  #connect = new Float32Array(first)
  #place = new Uint16Array(first)
  #visitor = new Uint32Array(first)
  #kind = new Uint8Array(first)
  #edge = new Uint8Array(first)
  #served = new Uint8Array(first)
  #error = new Uint8Array(first)

  add(sample: Sample): void {
    if (this.count === this.#room) this.#grow()
    const i = this.count++
    this.#at[i] = sample.atMs
    this.#latency[i] = sample.latencyMs
    this.#dns[i] = sample.dnsMs
    this.#connect[i] = sample.connectMs
    this.#place[i] = sample.place
    this.#visitor[i] = sample.visitor
    this.#kind[i] = this.#number(sample.kind)
    this.#edge[i] = this.#number(sample.edge)
    this.#served[i] = this.#number(sample.servedBy)
    this.#error[i] = this.#number(sample.error)
  }

  at(i: number): Sample {
    return {
      atMs: this.#at[i]!,
      latencyMs: this.#latency[i]!,
      dnsMs: this.#dns[i]!,
      connectMs: this.#connect[i]!,
      place: this.#place[i]!,
      visitor: this.#visitor[i]!,
      kind: this.#name(this.#kind[i]!) ?? '',
      edge: this.#name(this.#edge[i]!),
      servedBy: this.#name(this.#served[i]!),
      error: this.#name(this.#error[i]!),
    }
  }

  *[Symbol.iterator](): Generator<Sample> {
    for (let i = 0; i < this.count; i++) yield this.at(i)
  }

  /** 0 is undefined, and the last one that fits a byte is for all names that come after those before it. */
  #number(name: string | undefined): number {
    if (name === undefined) return 0
    const known = this.#numberOf.get(name)
    if (known !== undefined) return known
    if (this.names.length === mostNames) return this.names.push(others)
    if (this.names.length > mostNames) return this.names.length
    const number = this.names.push(name)
    this.#numberOf.set(name, number)
    return number
  }

  #name(number: number): string | undefined {
    return number === 0 ? undefined : this.names[number - 1]
  }

  #grow(): void {
    this.#room *= 2
    const room = this.#room
    const grown = <T extends Float64Array | Float32Array | Uint32Array | Uint16Array | Uint8Array>(
      old: T,
      made: T,
    ): T => {
      made.set(old)
      return made
    }
    this.#at = grown(this.#at, new Float64Array(room))
    this.#latency = grown(this.#latency, new Float32Array(room))
    this.#dns = grown(this.#dns, new Float32Array(room))
    this.#connect = grown(this.#connect, new Float32Array(room))
    this.#place = grown(this.#place, new Uint16Array(room))
    this.#visitor = grown(this.#visitor, new Uint32Array(room))
    this.#kind = grown(this.#kind, new Uint8Array(room))
    this.#edge = grown(this.#edge, new Uint8Array(room))
    this.#served = grown(this.#served, new Uint8Array(room))
    this.#error = grown(this.#error, new Uint8Array(room))
  }
}
