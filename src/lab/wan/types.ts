/** Settings of one direction between two places. */
export type LinkParams = {
  /** One way, 0 to 60,000. Stored in microseconds. */
  delayMs: number
  /** The delay varies within ± this, slowly enough to keep packets in order. */
  jitterMs: number
  /** 0 to 1. */
  lossShare: number
  /** 0: unlimited. */
  rateBitsPerSecond: number
  cut: boolean
}

/** A place's network of 256 addresses: `10.77.1.0/24`. */
export type Prefix = { place: string; prefix: string }

/** One direction. */
export type Link = { from: string; to: string; params: LinkParams }

/** Packets sent = `packets + lost + cut + overflowed + queued`. */
export type LinkStats = {
  from: string
  to: string
  /** Delivered. */
  packets: number
  bytes: number
  lost: number
  cut: number
  /** Dropped because the queue was full. */
  overflowed: number
  queued: number
}

/** Packets that belong to no link. */
export type Totals = {
  /** From or to an address of no place, or between places without a link. */
  unknown: number
  /** Not accepted back by the kernel, for example because of a wrong length. */
  unwritten: number
  /** Dropped because the shaper could not read them in time: this machine is too slow. */
  missed: number
  /** Memory used by packets in flight. */
  heldBytes: number
}

export type Shaper = {
  /** Assigns networks to places from now on; others stay as they are. */
  places(prefixes: readonly Prefix[]): Promise<void>
  /** When it resolves, all take effect at the same moment, also for packets in flight; on an error none does. */
  set(links: readonly Link[]): Promise<void>
  stats(): Promise<LinkStats[]>
  params(): Promise<Link[]>
  totals(): Promise<Totals>
  /** Restarts all random sequences: the same seed drops the same packets of a link. */
  seed(seed: number): Promise<void>
  close(): void
}
