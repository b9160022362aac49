import { anySize } from '../../lib/quantities.ts'
import type { EnginePart } from '../../plan.ts'
import type { RegionContext } from '../context.ts'
import { ownPaths } from '../haproxy/layout.ts'
import { edgeSocketName, maxThreads, varnishPaths, varnishSockets, varnishWorkFolder } from './layout.ts'
import { renderVcl } from './vcl.ts'

/** For responses that are sent once and not stored, and for the bookkeeping of those that cannot be stored. */
const transientBytes = 32 * 1024 ** 2

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
          ...['-s', `Transient=malloc,${transientBytes}`],
          ...set('thread_pools', 1),
          ...set('thread_pool_min', 10),
          ...set('thread_pool_max', maxThreads),
          ...set('vsl_space', '4M'),
          // No object is cached or served longer than its headers allow; cdn.vcl sets TTL and grace.
          ...set('default_ttl', 0),
          ...set('default_grace', 0),
          ...set('default_keep', 0),
          // Compression is left to the app.
          ...set('http_gzip_support', 'off'),
          // By default, a full cache gives up after evicting 50 objects for a new one.
          ...set('nuke_limit', 1_000_000),
          // Objects of short life belong in the cache as well: by default, they share the transient storage.
          ...set('shortlived', 0),
          // More than HAProxy lets pass: 16 kB and 101 headers, and those that it adds.
          ...set('http_max_hdr', 256),
          ...['req', 'resp'].flatMap((side) => [
            ...set(`http_${side}_hdr_len`, '32k'),
            ...set(`http_${side}_size`, '48k'),
          ]),
          ...['client', 'backend'].flatMap((side) => set(`workspace_${side}`, '128k')),
          ...set('max_restarts', 6),
          // HAProxy, at both ends of a pipe, ends it much earlier. A value of the topology would cost a restart when it
          // changes.
          ...set('pipe_timeout', 86_400),
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
