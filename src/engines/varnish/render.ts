import { anySize } from '../../lib/quantities.ts'
import type { EnginePart } from '../../plan.ts'
import type { RegionContext } from '../context.ts'
import { ownPaths } from '../haproxy/layout.ts'
import { edgeSocketName, varnishPaths, varnishSockets, varnishWorkFolder } from './layout.ts'
import { renderVcl } from './vcl.ts'

/** Varnish, the CDN cache behind HAProxy. */
export function renderVarnish(context: RegionContext): EnginePart {
  const { region, topology, folder } = context
  if (!region.serves) return { folders: [], files: [], processes: [] }
  const { ports, cdn } = topology
  const set = (name: string, value: string | number) => ['-p', `${name}=${value}`]
  return {
    folders: ['etc/varnish', 'run/varnish'],
    files: [{ path: varnishPaths.config, mode: 0o644, content: renderVcl(context) }],
    processes: [
      {
        name: 'varnish',
        engine: 'varnish',
        command: [
          '/usr/sbin/varnishd',
          ...['-F', '-j', 'none', '-n', varnishWorkFolder],
          ...['-f', `${folder}/${varnishPaths.config}`],
          ...['-a', `${edgeSocketName}=${varnishSockets.http},mode=600`],
          ...['-a', `alive=${region.address}:${ports.varnish}`],
          ...['-T', '127.0.0.1:0'],
          ...['-s', `malloc,${anySize.parse(cdn.maxMemory)}`],
          ...['-s', `Transient=malloc,${16 * 1024 ** 2}`],
          ...set('thread_pools', 1),
          ...set('thread_pool_min', 10),
          ...set('thread_pool_max', 500),
          ...set('vsl_space', '4M'),
          // No object is cached or served longer than its headers allow; cdn.vcl sets TTL and grace.
          ...set('default_ttl', 0),
          ...set('default_grace', 0),
          ...set('default_keep', 0),
          // Compression is left to the app.
          ...set('http_gzip_support', 'off'),
          // Uncacheable responses stream through a buffer instead of filling the transient storage.
          ...set('transit_buffer', '256k'),
        ],
        env: {},
        run: 'engine',
        after: ['haproxy'],
        ready: { kind: 'http', port: ports.varnish, path: ownPaths.alive, expect: { from: 200, to: 200 } },
        readyTimeoutMs: 30_000,
        validate: [
          ...['/usr/sbin/varnishd', '-C', '-j', 'none', '-n', varnishWorkFolder],
          ...['-f', `${folder}/${varnishPaths.config}`],
        ],
        // Varnish's own script: compiles and uses the new VCL, and discards the previous one. The cache stays.
        reload: {
          kind: 'exec',
          command: [
            '/usr/share/varnish/varnishreload',
            // Without -t, varnishadm gives up after 5 s, and a busy machine compiles for longer.
            ...['-m', '0', '-t', '25', '-n', varnishWorkFolder],
            `${folder}/${varnishPaths.config}`,
          ],
        },
        stop: { signal: 'SIGTERM', timeoutMs: 5_000 },
      },
    ],
  }
}
