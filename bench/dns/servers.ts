import type { Server } from '../../src/engines/knot/ask.ts'
import type { KnotMap } from '../../src/engines/knot/map.ts'

/** A name server in the comparison, with a map. */
export type NameServer = {
  name: string
  server: Server
  pids(): number[]
  /** Gives it another map while it answers, in its best way. Resolves once it was notified, possibly long before it answers from it. */
  change(map: KnotMap): Promise<void>
  /** Its output so far, for error messages. */
  output(): string
  stop(): Promise<void>
}

/** Starts a server with the whole map and waits until it answers. */
export type StartServer = (options: {
  root: string
  folder: string
  cores: readonly number[]
  server: Server
  map: KnotMap
  ttlSeconds: number
}) => Promise<NameServer>
