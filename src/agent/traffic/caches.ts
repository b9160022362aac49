import type { HaproxyControl } from '../../engines/haproxy/control.ts'
import { isStaticPath } from '../../engines/haproxy/rules.ts'
import type { VarnishControl } from '../../engines/varnish/control.ts'
import type { PurgeScope } from '../../engines/varnish/purge.ts'
import { NearsideError } from '../../lib/errors.ts'
import type { RegionPlan } from '../../plan.ts'
import type { Launcher } from '../supervision/launch.ts'
import type { AgentBase } from '../types.ts'

/** The caches of a region's edge. */
export type Caches = {
  /** Whether the scope includes static files, which HAProxy may keep in its memory. */
  hasFiles(scope: PurgeScope): boolean
  purge(scope: PurgeScope): Promise<void>
}

type CachesOptions = {
  topology: AgentBase['context']['topology']
  plan: RegionPlan
  launcher: Pick<Launcher, 'recorded' | 'reload'>
  varnish: VarnishControl
  haproxy: Pick<HaproxyControl, 'forgetLearned'>
}

/**
 * A process that does not run has an empty cache, so nothing is left to do. HAProxy's memory cache cannot be cleared,
 * but a reload starts with an empty one and fails no request. It comes last, so that the new worker cannot fill its
 * memory with what Varnish still has.
 */
export function cachesOf({ topology, plan, launcher, varnish, haproxy }: CachesOptions): Caches {
  const running = (name: string) => {
    const process = plan.processes.find((one) => one.name === name)
    return process && launcher.recorded(process) ? process : undefined
  }
  const hasFiles: Caches['hasFiles'] = (scope) =>
    scope.kind === 'all' || (scope.kind === 'path' && isStaticPath(topology, scope.path))
  return {
    hasFiles,
    async purge(scope) {
      if (running('varnish')) await varnish.purge(scope)
      const process = running('haproxy')
      if (!process) return
      if (scope.kind !== 'path') await haproxy.forgetLearned()
      if (!hasFiles(scope)) return
      const why = await launcher.reload(process)
      if (why !== undefined) throw new NearsideError('haproxy_refused', `haproxy: reload: ${why}`)
    },
  }
}
