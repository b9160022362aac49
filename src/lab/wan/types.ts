/** What one direction between two places does to packets. */
export type LinkParams = {
  /** One way, 0 to 60,000. Kept to the microsecond. */
  delayMs: number
  /** The delay wanders within ± this, slowly enough that packets stay in order. */
  jitterMs: number
  /** 0 to 1. */
  lossShare: number
  /** 0: no limit. */
  rateBitsPerSecond: number
  cut: boolean
}

/** 256 addresses that belong to a place: `10.77.1.0/24`. */
export type Prefix = { place: string; prefix: string }

/** One direction. */
export type Link = { from: string; to: string; params: LinkParams }

/** What was sent is `packets + lost + cut + overflowed + queued`. */
export type LinkStats = {
  from: string
  to: string
  /** Arrived. */
  packets: number
  bytes: number
  lost: number
  cut: number
  /** Dropped because the queue was full. */
  overflowed: number
  queued: number
}

/** What belongs to no link. */
export type Totals = {
  /** Packets from or to an address of no place, or between places without a link. */
  unknown: number
  /** Packets that the kernel did not take back, such as those of a wrong length. */
  unwritten: number
  /** Packets that were dropped because the shaper did not come to read them: it asks too much of this machine. */
  missed: number
  /** Memory that packets under way take. */
  heldBytes: number
}

export type Shaper = {
  /** These addresses belong to these places from now on; others stay as they are. */
  places(prefixes: readonly Prefix[]): Promise<void>
  /** All in force at the same moment when it resolves, for packets under way too; on an error none of them. */
  set(links: readonly Link[]): Promise<void>
  stats(): Promise<LinkStats[]>
  params(): Promise<Link[]>
  totals(): Promise<Totals>
  /** Starts all random sequences anew: with the same seed the same packets of a link are lost. */
  seed(seed: number): Promise<void>
  close(): void
}
