import { anySize } from '../../lib/quantities.ts'
import type { Topology } from '../../topology/schema.ts'
import { runFolder } from '../context.ts'

export const varnishPaths = { config: 'etc/varnish/cdn.vcl' } as const

export const varnishSockets = {
  /** For requests; only HAProxy can connect to it. */
  http: `${runFolder}/varnish.sock`,
} as const

/** Varnish's working folder (compiled VCL, shared memory log) inside the sandbox. */
export const varnishWorkFolder = `${runFolder}/varnish`

/** Name of the listener on `varnishSockets.http`. Any other listener only answers health checks. */
export const edgeSocketName = 'edge'

/**
 * Varnish needs a thread for each response under way, however slow its reader. Each costs about 40 kB. HAProxy sends
 * further requests directly to the app.
 */
export const maxThreads = 2_000

/** Several objects of this size must fit into the cache. A larger response is not stored. */
export const maxObjectBytes = ({ cdn }: Topology): number => Math.floor(anySize.parse(cdn.maxMemory)! / 8)
