import { anySize } from '../../lib/quantities.ts'
import type { EnginePart } from '../../plan.ts'
import type { RegionContext } from '../context.ts'

/** Redis: the region's own cache. Nothing is written to disk: a cache that comes back must not serve the past. */
export function renderRedis({ region, topology, secrets }: RegionContext): EnginePart {
  if (!region.full) return { folders: [], files: [], processes: [] }
  const config = [
    `bind ${region.address}`,
    `port ${topology.ports.redis}`,
    'protected-mode yes',
    `requirepass ${secrets.redis}`,
    `maxmemory ${anySize.parse(topology.cache.maxMemory)}`,
    'maxmemory-policy allkeys-lru',
    'save ""',
    'appendonly no',
    'dir data/redis',
    'daemonize no',
    // Ten wake-ups a second are the default; an idle world should be idle.
    'hz 5',
    'dynamic-hz yes',
    '',
  ]
  return {
    folders: ['data/redis'],
    files: [{ path: 'etc/redis.conf', mode: 0o600, content: config.join('\n') }],
    processes: [
      {
        name: 'redis',
        engine: 'redis',
        command: ['/usr/bin/redis-server', 'etc/redis.conf'],
        env: {},
        run: 'engine',
        after: [],
        // Refusing us for want of a password is an answer, too: only the kernel's would not do.
        ready: { kind: 'tcp', port: topology.ports.redis, say: 'PING\r\n', hear: ['+PONG', '-NOAUTH'] },
        readyTimeoutMs: 15_000,
        stop: { signal: 'SIGTERM', timeoutMs: 5_000 },
      },
    ],
  }
}
