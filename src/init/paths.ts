import type { Folder } from './folder.ts'

/** Where frameworks serve files with a hash in their name, by the dependency that identifies the framework. */
const frameworks: [dependency: string, pattern: string][] = [
  ['next', '/_next/static/*'],
  ['nuxt', '/_nuxt/*'],
  ['@sveltejs/kit', '/_app/immutable/*'],
  ['astro', '/_astro/*'],
  ['@remix-run/serve', '/assets/*'],
  ['@react-router/serve', '/assets/*'],
]

const safeName = /^[A-Za-z0-9][\w.-]{0,60}$/

/** Patterns of likely static files, with the reason. Most frameworks serve the folders inside public/ at the root. */
export async function findStatic(
  folder: Folder,
  dependencies: Set<string>,
): Promise<{ pattern: string; from: string }[]> {
  const found = new Map<string, string>()
  for (const [dependency, pattern] of frameworks)
    if (dependencies.has(dependency)) found.set(pattern, dependency)
  for (const name of ['assets', 'static'])
    if (await folder.isFolder(name)) found.set(`/${name}/*`, `${name}/`)
  for (const name of ['public', 'dist', 'priv/static'])
    for (const inner of (await folder.folders(name)).filter((inner) => safeName.test(inner)))
      if ((name === 'public' || inner === 'assets') && found.size < 12 && !found.has(`/${inner}/*`))
        found.set(`/${inner}/*`, `${name}/${inner}/`)
  return [...found].map(([pattern, from]) => ({ pattern, from }))
}

const skipped =
  /^(node_modules|vendor|dist|build|coverage|target|tmp|log|test|tests|spec|__pycache__|venv|public|assets|static)$|^\./
const sources = /\.(m|c)?[jt]sx?$|\.(py|rb|go|php|java|kt|ex|exs|rs|cs)$/
const wellKnown =
  /["'`](\/(?:api\/)?(?:healthz|health|healthcheck|health-check|livez|readyz|up|ping|_health|actuator\/health))["'`]/

const maxFiles = 300
const maxDepth = 4

/** Source files, shallow ones first. Bounded, since this is only for hints. */
async function sourceFiles(folder: Folder): Promise<string[]> {
  const found: string[] = []
  let level = ['.']
  for (let depth = 0; depth < maxDepth && found.length < maxFiles; depth++) {
    const next: string[] = []
    for (const at of level.slice(0, 100)) {
      for (const name of await folder.files(at)) if (sources.test(name)) found.push(`${at}/${name}`)
      for (const name of await folder.folders(at)) if (!skipped.test(name)) next.push(`${at}/${name}`)
    }
    level = next
  }
  return found.slice(0, maxFiles).map((name) => name.replace(/^\.\//, ''))
}

type SourceHints = {
  health?: { path: string; from: string }
  /** A source file that reads PORT. */
  port?: string
}

export async function readSources(folder: Folder): Promise<SourceHints> {
  const hints: SourceHints = {}
  for (const name of await sourceFiles(folder)) {
    const text = await folder.text(name)
    if (text === undefined) continue
    const health = wellKnown.exec(text)?.[1]
    if (health !== undefined && hints.health === undefined) hints.health = { path: health, from: name }
    if (hints.port === undefined && /\bPORT\b/.test(text)) hints.port = name
    if (hints.health && hints.port !== undefined) break
  }
  // Rails has answered /up since 7.1.
  if (!hints.health && /\brails\b/.test((await folder.text('Gemfile')) ?? ''))
    hints.health = { path: '/up', from: 'Gemfile (rails)' }
  return hints
}
