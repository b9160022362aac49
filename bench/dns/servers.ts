import type { Server } from '../../src/engines/knot/ask.ts'
import type { KnotMap } from '../../src/engines/knot/map.ts'

/** A name server with a map, among those that are compared. */
export type NameServer = {
  name: string
  server: Server
  pids(): number[]
  /** Gives it another map while it answers, in its own best way; resolves when it was told, which may be long before it answers from it. */
  change(map: KnotMap): Promise<void>
  /** What it has said so far, for a failure's message. */
  output(): string
  stop(): Promise<void>
}

/** Each is started with the whole map, and has answered when it is there. */
export type StartServer = (options: {
  root: string
  folder: string
  cores: readonly number[]
  server: Server
  map: KnotMap
  ttlSeconds: number
}) => Promise<NameServer>
