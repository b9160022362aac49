import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { cacheDir } from '../../setup/paths.mjs'

/**
 * The public tests for HTTP caches (https://cache-tests.fyi), from npm. They are downloaded when the benchmark runs,
 * because nothing else needs them.
 */
const name = 'http-cache-tests'
const version = '0.4.5'

type Test = { id: string; kind?: string; browser_only?: boolean }

/** Test ids and whether they passed. */
export type Results = Record<string, boolean>

export type CacheTests = {
  /** The server that the cache under test has to stand in front of. */
  origin: RequestListener
  /** Runs all tests that a server must pass by the standard, against a cache at this URL. */
  run(baseUrl: string, fetch: typeof globalThis.fetch): Promise<Results>
}

export async function loadCacheTests(): Promise<CacheTests> {
  const folder = install()
  const load = (path: string) => import(join(folder, path))
  const [{ default: suites }, { default: surrogate }, test, config, ...handlers] = await Promise.all(
    [
      'tests/index.mjs',
      'tests/surrogate-control.mjs',
      'client/test.mjs',
      'client/config.mjs',
      'server/handle-config.mjs',
      'server/handle-state.mjs',
      'server/handle-test.mjs',
    ].map(load),
  )
  const [onConfig, onState, onTest] = handlers.map((one) => one.default)
  const required = ([...suites, surrogate] as { tests: Test[] }[])
    .flatMap(({ tests }) => tests)
    .filter(({ kind = 'required', browser_only }) => kind === 'required' && !browser_only)
  // Others prepare what these depend on.
  const all = ([...suites, surrogate] as { tests: Test[] }[])
    .flatMap(({ tests }) => tests)
    .filter(({ browser_only }) => !browser_only)
  return {
    origin(request, response) {
      const [, kind, ...rest] = new URL(request.url!.replace(/^\/static/, ''), 'http://a').pathname.split('/')
      const handler = { config: onConfig, state: onState, test: onTest }[kind!]
      if (handler) return handler(rest, request, response)
      response.statusCode = 404
      response.end()
    },
    async run(baseUrl, fetch) {
      config.setFetch(fetch)
      config.setUseBrowserCache(false)
      config.setBaseUrl(baseUrl)
      const { testResults } = test
      for (const id of Object.keys(testResults)) delete testResults[id]
      // Most wait for seconds until a response has expired.
      for (let at = 0; at < all.length; at += 100)
        await Promise.all(all.slice(at, at + 100).map((one) => test.makeCacheTest(one)))
      return Object.fromEntries(required.map(({ id }) => [id, testResults[id] === true]))
    },
  }
}

function install(): string {
  const cache = join(cacheDir(process.env), `bench-${name}-${version}`)
  if (existsSync(cache)) return join(cache, 'package')
  const unfinished = `${cache}-${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  try {
    execFileSync('npm', ['pack', '--silent', '--pack-destination', unfinished, `${name}@${version}`], {
      cwd: unfinished,
    })
    execFileSync('tar', ['xzf', `${name}-${version}.tgz`], { cwd: unfinished })
    renameSync(unfinished, cache)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return join(cache, 'package')
}
