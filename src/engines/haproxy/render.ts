import type { EnginePart } from '../../plan.ts'
import type { RegionContext } from '../context.ts'
import {
  appBackend,
  cdnBackend,
  chunkedBackend,
  healthyBackend,
  lastBackend,
  nobodyBackend,
  reloadPeers,
  tableBackends,
  toRegion,
  writesBackend,
} from './backends.ts'
import { renderBodyLua } from './body.ts'
import { databaseFrontends, primaryBackend, replicaBackend } from './database.ts'
import {
  againFrontend,
  chunkedFrontend,
  originFrontend,
  regionsFrontend,
  usersFrontend,
  writesFrontend,
} from './frontends.ts'
import { globalSections, httpDefaults, tcpDefaults } from './global.ts'
import { renderHoldLua } from './hold.ts'
import { haproxyPaths, haproxySockets, ownPaths } from './layout.ts'
import { ownBackends } from './own.ts'
import { type View, viewOf } from './view.ts'

/** HAProxy: the edge of full and edge regions. */
export function renderHaproxy(context: RegionContext): EnginePart {
  const { region, topology } = context
  if (!region.serves) return { folders: [], files: [], processes: [] }
  const view = viewOf(context)
  return {
    folders: ['etc/haproxy'],
    files: [
      { path: haproxyPaths.config, mode: 0o644, content: renderConfig(view) },
      {
        path: haproxyPaths.hold,
        mode: 0o644,
        content: renderHoldLua(
          view.holdMs,
          view.remotes.map(({ name }) => name),
        ),
      },
      { path: haproxyPaths.body, mode: 0o644, content: renderBodyLua(view.maxBodyBytes) },
    ],
    processes: [
      {
        name: 'haproxy',
        engine: 'haproxy',
        // Master and worker: the master stays, so its id stays, and a reload costs no connection.
        command: [
          '/usr/sbin/haproxy',
          '-W',
          '-S',
          `${haproxySockets.master},mode,600`,
          '-f',
          haproxyPaths.config,
        ],
        env: {},
        run: 'engine',
        // The app reaches its database through it, so it is there before anything that uses a database.
        after: [],
        ready: { kind: 'http', port: topology.ports.http, path: ownPaths.alive, expect: [200] },
        readyTimeoutMs: 15_000,
        validate: ['/usr/sbin/haproxy', '-c', '-f', haproxyPaths.config],
        // The answer comes when the new worker has taken over the listening sockets, or with why it cannot.
        reload: { kind: 'socket', path: 'run/haproxy-master.sock', say: 'reload', hear: 'Success=1' },
        stop: { signal: 'SIGUSR1', timeoutMs: 5_000 },
      },
    ],
  }
}

function renderConfig(view: View): string {
  const sections = [
    '# Made by nearside; changes are overwritten.\n',
    ...globalSections(),
    ...httpDefaults(view),
    usersFrontend(view),
    regionsFrontend(view),
    writesFrontend(view),
    againFrontend(view),
    chunkedFrontend(view),
    originFrontend(view),
    ...ownBackends(view),
    appBackend(view),
    healthyBackend(view),
    ...toRegion(view),
    writesBackend(view),
    chunkedBackend(view),
    cdnBackend(view),
    nobodyBackend(view),
    lastBackend(view),
    tcpDefaults(),
    ...databaseFrontends(view),
    primaryBackend(view),
    replicaBackend(view),
    ...tableBackends(),
    reloadPeers(),
  ]
  return sections.filter((text) => text !== false).join('\n')
}
