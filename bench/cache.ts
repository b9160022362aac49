import { createServer } from 'node:http'
import { join } from 'node:path'
import { startEdges } from '../test/support/edge.ts'
import { runSandboxed } from '../test/support/engine-program.ts'
import { listening } from '../test/support/net.ts'
import { ask } from '../test/support/requests.ts'
import { freeEndpoint, temporaryFolder, until } from '../test/support/sandboxed.ts'
import { twoRegions } from '../test/support/topologies.ts'
import { takeWorldLock } from '../test/support/world/world-lock.ts'
import { type CacheTests, loadCacheTests, type Results } from './cache/suite.ts'
import { renderCachingProxy } from './edge/nginx.ts'
import { startNginx } from './edge/place.ts'
import type { Benchmark, Figure } from './figure.ts'
import { installPeers } from './peers.ts'

export const cache: Benchmark = {
  name: 'cache',
  title: 'The cache by the public tests',
  peers: 'peers',
  how: `The tests of https://cache-tests.fyi that a shared cache must pass by the standard (kind “required”), from npm, against the edge and,
in the same run, plain nginx with \`proxy_cache\` and plain Varnish without rules of its own, each in front of the suite's own server. The edge twice:
on a static path, and on other paths after one response that allowed caching, since it stores nothing before.
Some cannot be passed: a static path drops cookies on purpose, and HAProxy refuses a forged Transfer-Encoding.`,
  async run(_, say) {
    const root = await installPeers('peers')
    const machine = await takeWorldLock()
    try {
      const tests = await loadCacheTests()
      say('nginx')
      const nginx = await withNginx(root, tests)
      say('Varnish')
      const varnish = await withVarnish(tests)
      say('the edge')
      const ours = await withEdge(tests)
      return Object.entries(ours).flatMap(([what, results]) =>
        Object.entries({ nginx, Varnish: varnish }).map(([name, peer]): Figure => {
          const [value, other] = [passed(results), passed(peer)]
          const ratio = value / other
          return {
            what: `${what}: tests passed of ${Object.keys(results).length}`,
            value,
            unit: '',
            peer: { name, value: other, ratio, ratioSpread: [ratio, ratio] },
            target: { atLeast: 1 },
          }
        }),
      )
    } finally {
      machine.end()
    }
  },
}

const passed = (results: Results) => Object.values(results).filter(Boolean).length

async function withEdge({ origin, run }: CacheTests): Promise<Record<string, Results>> {
  const world = await startEdges({
    regions: twoRegions,
    primary: 'us-east',
    varnish: true,
    changes: { app: { static: ['/static/*'] } },
  })
  try {
    for (const region of ['us-east', 'us-west'])
      for (const app of world.at(region).apps)
        app.handle = (request, response) => {
          if (request.headers['x-learn'] === undefined) return origin(request, response)
          response.setHeader('cache-control', 'max-age=1')
          response.end()
        }
    const base = `http://${world.at('us-east').region.address}:${world.topology.ports.http}`
    const learned = new Set<string>()
    const fetchLearned: typeof fetch = async (url, init) => {
      const { pathname } = new URL(String(url))
      if (pathname.startsWith('/test/') && !learned.has(pathname)) {
        learned.add(pathname)
        await (await fetch(url, { headers: { 'x-learn': '1' } })).text()
      }
      return fetch(url, init)
    }
    return {
      'static paths': await run(`${base}/static`, fetch),
      'other paths': await run(base, fetchLearned),
    }
  } finally {
    await world.stop()
  }
}

async function withOrigin(
  { origin, run }: CacheTests,
  start: (
    origin: { host: string; port: number },
    at: { host: string; port: number },
  ) => Promise<() => unknown>,
): Promise<Results> {
  const [app, at] = [await freeEndpoint(), await freeEndpoint()]
  const server = createServer(origin)
  await listening(server, app.host, app.port)
  let end: (() => unknown) | undefined
  try {
    end = await start(app, at)
    await until('the cache', () =>
      ask(at.host, at.port, '/').then(
        () => true,
        () => false,
      ),
    )
    return await run(`http://${at.host}:${at.port}`, fetch)
  } finally {
    await end?.()
    server.closeAllConnections()
    server.close()
  }
}

const withNginx = (root: string, tests: CacheTests) =>
  withOrigin(tests, async (origin, at) => {
    const nginx = await startNginx(root, temporaryFolder('bench-nginx'), [0], renderCachingProxy(origin, at))
    return () => nginx.stop()
  })

const withVarnish = (tests: CacheTests) =>
  withOrigin(tests, async (origin, at) => {
    const folder = temporaryFolder('bench-varnish')
    const varnish = await runSandboxed(folder, [
      '/usr/sbin/varnishd',
      ...['-F', '-j', 'none', '-n', join(folder, 'work')],
      ...['-b', `${origin.host}:${origin.port}`, '-a', `${at.host}:${at.port}`, '-s', 'malloc,64m'],
    ])
    return () => varnish.kill()
  })
