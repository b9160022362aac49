import type { PurgeResult } from '../agent/traffic/purge-request.ts'
import type { WorldHandle } from './handle.ts'
import { agentToAsk } from './switchover.ts'

/** Body of `POST /v1/purge`. */
export type PurgeBody = {
  scope: 'pages' | 'all' | 'path'
  path?: string
  host?: string
  regions?: string[]
}

/** The agent waits up to 10 s for the others. */
const limitMs = 30_000

/** Resolves when the purge has an outcome in each of its regions. */
export async function purgeWorld(world: WorldHandle, body: PurgeBody): Promise<PurgeResult> {
  const asked = await agentToAsk(world, 'a purge')
  return world.call<PurgeResult>(asked, 'POST', '/v1/purge', body, limitMs)
}
