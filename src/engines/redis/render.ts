import { anySize } from '../../lib/quantities.ts'
import type { EnginePart } from '../../plan.ts'
import type { RegionContext } from '../context.ts'

/** Redis, the region's own cache. It writes nothing to disk, so a restarted cache cannot serve old data. */
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
    // The default is ten wake-ups a second; an idle world should use no CPU.
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
        // An authentication error also proves that Redis runs. A connection alone does not: the kernel accepts it.
        ready: { kind: 'tcp', port: topology.ports.redis, send: 'PING\r\n', expect: ['+PONG', '-NOAUTH'] },
        readyTimeoutMs: 15_000,
        stop: { signal: 'SIGTERM', timeoutMs: 5_000 },
      },
    ],
  }
}
