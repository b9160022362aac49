/** One request of a user and its result. */
export type Sample = {
  /** Due time, in ms from the start of the run. */
  atMs: number
  /** From the due time to the end of the answer, including DNS, connecting and waiting. */
  latencyMs: number
  /** Parts of it: DNS lookup and connecting; 0 on an open connection. */
  dnsMs: number
  connectMs: number
  /** Index of the place. */
  place: number
  /** Number of its user in the run. */
  visitor: number
  kind: string
  /** Region from DNS; undefined if DNS gave none. */
  edge: string | undefined
  /** Region whose app or cache answered, according to the answer. */
  servedBy: string | undefined
  /** `HTTP 503`, `timed out`; undefined on success. */
  error: string | undefined
}

const first = 4096
const mostNames = 254
const others = 'other'

/**
 * All samples of a run in columns, 40 bytes each: a million take 40 MB, and every percentile of every group is exact.
 * At most 254 different kinds, regions and errors; further ones become `other`.
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

  /** 0 is undefined; the last number that fits a byte stands for all further names. */
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
