import { fill } from '../plan/fill.ts'
import type { Mix, RequestKind } from '../plan/mix.ts'
import { pick, type Random } from '../plan/random.ts'
import { Browser, type BrowserOptions } from './browser.ts'
import { assetsIn, linksIn } from './links.ts'

type UserOptions<Server> = BrowserOptions<Server> & {
  mix: Mix
  /** The random source of its n-th step: its values do not depend on earlier answers. */
  randomFor: (step: number) => Random
}

const redirects = [301, 302, 303, 307, 308]
/** Number of recent pages whose links are kept. */
const keptPages = 4

const prefixes = new WeakMap<Mix, string[]>()
/** Prefixes of links that a mix follows. */
function prefixesOf(mix: Mix): string[] {
  let known = prefixes.get(mix)
  if (!known) {
    known = [...new Set(Object.values(mix.requests).flatMap(({ follow }) => (follow ? [follow.prefix] : [])))]
    prefixes.set(mix, known)
  }
  return known
}

/**
 * A visitor with a browser and recently seen pages. Each step starts when it is due, even if an earlier one is still
 * unanswered; then on another connection, as in a browser.
 */
export class User<Server> {
  readonly #o: UserOptions<Server>
  readonly #browser: Browser<Server>
  /** Latest page first, each with the links that the mix may follow, by prefix. */
  readonly #pages: { kind: string; links: Map<string, string[]> }[] = []
  readonly #assets = new Set<string>()
  #steps = 0

  constructor(options: UserOptions<Server>) {
    this.#o = options
    this.#browser = new Browser(options)
  }

  /** Performs one step with its redirects and assets; resolves when all have ended. Never rejects. */
  async step(kind: string, dueMs: number): Promise<void> {
    const request = this.#o.mix.requests[kind]!
    const random = this.#o.randomFor(this.#steps)
    const reference = `${this.#o.name}-${this.#steps++}`
    const filled = fill(request, random, { reference, user: this.#o.name })
    const path = this.#linkFor(request, random) ?? filled.path
    const headers = { ...filled.headers, ...(filled.body ? { 'content-type': filled.body.type } : {}) }
    const sent = filled.body?.text.includes(reference) || path.includes(reference) ? { reference } : {}
    const answer = await this.#browser.fetch({
      kind,
      dueMs,
      method: request.method,
      path,
      headers,
      body: filled.body?.text,
      ...sent,
    })
    if (!answer) return
    const location = redirects.includes(answer.status) ? answer.headers.location : undefined
    if (location?.startsWith('/') && !location.startsWith('//')) {
      const shown = `${kind}, shown`
      const page = await this.#browser.fetch({
        kind: shown,
        dueMs: this.#o.now(),
        method: 'GET',
        path: location,
      })
      if (page) await this.#look(shown, page.html)
    } else await this.#look(kind, answer.html)
  }

  /** Closes its connections. */
  leave(): void {
    this.#browser.close()
  }

  /** Stores a page's links and fetches assets that are not in the browser's cache. */
  async #look(kind: string, html: Buffer): Promise<void> {
    if (html.length === 0) return
    const prefixes = prefixesOf(this.#o.mix)
    if (prefixes.length > 0) {
      const links = new Map(prefixes.map((prefix) => [prefix, linksIn(html, prefix)]))
      this.#pages.unshift({ kind, links })
      this.#pages.length = Math.min(this.#pages.length, keptPages)
    }
    // One page's assets represent all pages: searching every page costs more than everything else.
    if (!this.#o.mix.assets || this.#assets.size > 0) return
    const paths = assetsIn(html.toString('utf8')).filter((path) => !this.#assets.has(path))
    for (const path of paths) this.#assets.add(path)
    const dueMs = this.#o.now()
    await Promise.all(paths.map((path) => this.#browser.fetch({ kind: 'asset', dueMs, method: 'GET', path })))
  }

  #linkFor({ follow }: RequestKind, random: Random): string | undefined {
    if (!follow) return undefined
    for (const page of this.#pages) {
      if (follow.on !== undefined && page.kind !== follow.on) continue
      const links = page.links.get(follow.prefix) ?? []
      if (links.length > 0) return pick(random, links)
    }
    return undefined
  }
}
