import { Agent } from 'node:http'
import type { Prefix } from '../../../geo/prefix.ts'
import { fill } from '../plan/fill.ts'
import type { Mix, RequestKind } from '../plan/mix.ts'
import { pick, type Random } from '../plan/random.ts'
import type { Sample } from '../samples.ts'
import { CookieJar } from './cookies.ts'
import { type Answer, type Ask, type Exchange, exchange } from './exchange.ts'
import { assetsIn, linksIn } from './links.ts'
import { type AskServer, type Resolution, Resolver } from './resolver.ts'
import type { Stops } from './stops.ts'

/** The world as users see it. */
export type Site = {
  domain: string
  port: number
  /** The region that has an address. */
  regionAt: ReadonlyMap<string, string>
}

export type UserOptions<Server> = {
  /** Unique in the run; goes into its orders' references. */
  name: string
  place: number
  /** One of this machine's addresses to ask from; undefined: the routing table's choice. */
  from: string | undefined
  /** What its resolver tells name servers of its network. */
  subnet: Prefix | undefined
  /** In the order in which they are asked. */
  servers: readonly Server[]
  askServer: AskServer<Server>
  site: Site
  mix: Mix
  /** For its n-th step: what is drawn there does not depend on what has been answered. */
  randomFor: (step: number) => Random
  patienceMs: number
  stops: Stops
  /** Since the start of the run. */
  now: () => number
  record: (request: UserRequest) => void
}

/** A sample with what only the user knows of it. */
export type UserRequest = Sample & {
  user: string
  method: string
  path: string
  /** Of the answer, if there was one. */
  status?: number
  /** The reference in what was sent, if it had one. */
  reference?: string
}

const redirects = [301, 302, 303, 307, 308]
/** What a browser opens to one site. */
const connections = 6
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
 * Someone on the site: a resolver of its own with its network, connections of its own that are kept, cookies, and
 * the pages it has seen. A step is done when it is due, also while an earlier one is still waited for; then on
 * another connection, as in a browser.
 */
export class User<Server> {
  readonly #o: UserOptions<Server>
  readonly #resolver: Resolver<Server>
  readonly #agent: Agent
  readonly #jar = new CookieJar()
  /** Latest page first; of each the links that the mix may follow, by how they begin. */
  readonly #pages: { kind: string; links: Map<string, string[]> }[] = []
  readonly #assets = new Set<string>()
  #steps = 0

  constructor(options: UserOptions<Server>) {
    this.#o = options
    const { servers, site, subnet, askServer, from } = options
    this.#resolver = new Resolver(servers, site.domain, subnet, askServer)
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: connections,
      ...(from ? { localAddress: from } : {}),
    })
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
    const answer = await this.#fetch({
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
      const page = await this.#fetch({
        kind: shown,
        dueMs: this.#o.now(),
        method: 'GET',
        path: location,
        headers: {},
      })
      if (page) await this.#look(shown, page.html)
    } else await this.#look(kind, answer.html)
  }

  /** Gives its connections back. */
  leave(): void {
    this.#agent.destroy()
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
    await Promise.all(
      paths.map((path) => this.#fetch({ kind: 'asset', dueMs, method: 'GET', path, headers: {} })),
    )
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

  async #fetch(what: {
    kind: string
    dueMs: number
    method: string
    path: string
    headers: Record<string, string>
    body?: string | undefined
    reference?: string
  }): Promise<Answer | undefined> {
    const { name, place, now, record, site, patienceMs, stops } = this.#o
    const { kind, dueMs, method, path, body, reference } = what
    const sentMs = now()
    const base = {
      user: name,
      place,
      kind,
      atMs: dueMs,
      method,
      path,
      ...(reference ? { reference } : {}),
    }
    const end = (rest: Pick<UserRequest, 'edge' | 'servedBy' | 'error' | 'dnsMs' | 'connectMs' | 'status'>) =>
      record({ ...base, latencyMs: now() - dueMs, ...rest })
    const none = { edge: undefined, servedBy: undefined, dnsMs: 0, connectMs: 0 }

    const kept = this.#resolver.kept(sentMs) !== undefined
    const resolved = await this.#resolver.resolve(now)
    const dnsMs = kept ? 0 : now() - sentMs
    if (!resolved.ok) {
      end({ ...none, dnsMs, error: stops.stopped ? stoppedError : dnsErrors[resolved.why] })
      return undefined
    }
    const cookie = this.#jar.header(path, Date.now())
    const left = Math.max(1, patienceMs - dnsMs)
    const ask = (address: string): Ask => ({
      agent: this.#agent,
      address,
      port: site.port,
      host: site.domain,
      method,
      path,
      headers: { ...browser, ...what.headers, ...(cookie ? { cookie } : {}) },
      body,
      patienceMs: left,
      stops,
    })
    const { got, address } = await firstThatConnects(resolved.addresses, (one) => exchange(ask(one)))
    const edge = site.regionAt.get(address) ?? address
    if (!('answer' in got)) {
      end({
        ...none,
        edge,
        dnsMs,
        connectMs: got.connectMs,
        error: got.failure === 'other' ? got.detail : got.failure,
      })
      return undefined
    }
    const { status, headers } = got.answer
    this.#jar.set(headers['set-cookie'] ?? [], path, Date.now())
    const servedBy = headers['nearside-region']
    end({
      edge,
      servedBy: typeof servedBy === 'string' ? servedBy : undefined,
      dnsMs,
      connectMs: got.connectMs,
      status,
      error: status >= 400 ? `HTTP ${status}` : undefined,
    })
    return status >= 400 ? undefined : got.answer
  }
}

/** The run was stopped while it was under way: neither good nor bad. */
export const stoppedError: Exclude<Exchange, { answer: unknown }>['failure'] = 'stopped'

const dnsErrors: Record<Exclude<Resolution, { ok: true }>['why'], string> = {
  silent: 'DNS: silent',
  refused: 'DNS: refused',
  empty: 'DNS: empty',
  'not asked': 'own limit',
}

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'user-agent': 'nearside-users' }

/** A name with several addresses: the next one when a connection to one cannot be had. */
async function firstThatConnects(addresses: readonly string[], ask: (address: string) => Promise<Exchange>) {
  for (const [index, address] of addresses.entries()) {
    const got = await ask(address)
    const mayTryNext =
      'failure' in got && !got.connected && got.failure !== 'own limit' && got.failure !== 'stopped'
    if (!mayTryNext || index === addresses.length - 1) return { got, address }
  }
  throw new RangeError('expected an address')
}
