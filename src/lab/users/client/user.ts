import { fill } from '../plan/fill.ts'
import type { Mix, RequestKind } from '../plan/mix.ts'
import { pick, type Random } from '../plan/random.ts'
import { Browser, type BrowserOptions } from './browser.ts'
import { assetsIn, linksIn } from './links.ts'

type UserOptions<Server> = BrowserOptions<Server> & {
  mix: Mix
  /** For its n-th step: what is drawn there does not depend on what has been answered. */
  randomFor: (step: number) => Random
}

const redirects = [301, 302, 303, 307, 308]
/** Pages whose links are kept. */
const keptPages = 4

const prefixes = new WeakMap<Mix, string[]>()
/** How links begin that a mix follows. */
function prefixesOf(mix: Mix): string[] {
  let known = prefixes.get(mix)
  if (!known) {
    known = [...new Set(Object.values(mix.requests).flatMap(({ follow }) => (follow ? [follow.prefix] : [])))]
    prefixes.set(mix, known)
  }
  return known
}

/**
 * Someone on the site, with a browser and the pages that were seen. A step is done when it is due, also while an earlier one is still waited for; then on
 * another connection, as in a browser.
 */
export class User<Server> {
  readonly #o: UserOptions<Server>
  readonly #browser: Browser<Server>
  /** Latest page first; of each the links that the mix may follow, by how they begin. */
  readonly #pages: { kind: string; links: Map<string, string[]> }[] = []
  readonly #assets = new Set<string>()
  #steps = 0

  constructor(options: UserOptions<Server>) {
    this.#o = options
    this.#browser = new Browser(options)
  }

  /** Does one step and everything that comes of it; resolves when all of that has ended. Never rejects. */
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

  /** Gives its connections back. */
  leave(): void {
    this.#browser.close()
  }

  /** Remembers a page, and gets what it needs unless that is in the browser's cache already. */
  async #look(kind: string, html: Buffer): Promise<void> {
    if (html.length === 0) return
    const prefixes = prefixesOf(this.#o.mix)
    if (prefixes.length > 0) {
      const links = new Map(prefixes.map((prefix) => [prefix, linksIn(html, prefix)]))
      this.#pages.unshift({ kind, links })
      this.#pages.length = Math.min(this.#pages.length, keptPages)
    }
    // One page's are as good as another's: looking through every page costs more than all the rest.
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
