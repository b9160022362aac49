import { runFolder } from '../context.ts'

export const varnishPaths = { config: 'etc/varnish/cdn.vcl' } as const

export const varnishSockets = {
  /** Requests; HAProxy is the only one who gets at it. */
  http: `${runFolder}/varnish.sock`,
} as const

/** Varnish's working folder (compiled VCL, shared memory log), as Varnish sees it. */
export const varnishWorkFolder = `${runFolder}/varnish`

/** Name of the listener on `varnishSockets.http`; what comes in by any other is only told that Varnish is alive. */
export const edgeSocketName = 'edge'
