/** A priority queue by due time, first in first out among equal times. A binary heap. */
export class Schedule<T> {
  readonly #heap: { atMs: number; order: number; what: T }[] = []
  #added = 0

  /** Due time of the next entry; Infinity if empty. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Infinity
  }

  add(atMs: number, what: T): void {
    const heap = this.#heap
    let at = heap.push({ atMs, order: this.#added++, what }) - 1
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.#before(at, parent)) break
      this.#swap(at, parent)
      at = parent
    }
  }

  /** Removes and returns the next entry if it is due. */
  take(nowMs: number): { atMs: number; what: T } | undefined {
    const heap = this.#heap
    const [first] = heap
    if (!first || first.atMs > nowMs) return undefined
    const last = heap.pop()!
    if (heap.length > 0) {
      heap[0] = last
      let at = 0
      for (;;) {
        let least = at
        for (const child of [2 * at + 1, 2 * at + 2])
          if (child < heap.length && this.#before(child, least)) least = child
        if (least === at) break
        this.#swap(at, least)
        at = least
      }
    }
    return first
  }

  #before(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a]!, this.#heap[b]!]
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    ;[heap[a], heap[b]] = [heap[b]!, heap[a]!]
  }
}
