import { Agent } from 'node:http'
import type { Prefix } from '../../../geo/prefix.ts'
import type { Sample } from '../samples.ts'
import { CookieJar } from './cookies.ts'
import { type Answer, type Exchange, exchange } from './exchange.ts'
import { type AskServer, type Resolution, Resolver } from './resolver.ts'
import type { Stops } from './stops.ts'

/** The world as users see it. */
export type Site = {
  domain: string
  port: number
  /** The region that has an address. */
  regionAt: ReadonlyMap<string, string>
}

export type BrowserOptions<Server> = {
  /** Its user: unique in the run. */
  name: string
  /** The same as a number. */
  visitor: number
  place: number
  /** One of this machine's addresses to ask from; undefined: the routing table's choice. */
  from: string | undefined
  /** What its resolver tells name servers of its network. */
  subnet: Prefix | undefined
  /** In the order in which they are asked. */
  servers: readonly Server[]
  askServer: AskServer<Server>
  site: Site
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

/** A request before it is sent. */
type Wanted = {
  kind: string
  dueMs: number
  method: string
  path: string
  headers?: Record<string, string>
  body?: string | undefined
  reference?: string | undefined
}

/** What a browser opens to one site. */
const connections = 6

/** One user's way to the site: a resolver with its network, connections that are kept, cookies. */
export class Browser<Server> {
  readonly #o: BrowserOptions<Server>
  readonly #resolver: Resolver<Server>
  readonly #agent: Agent
  readonly #jar = new CookieJar()
  /** Where its latest answer came from. */
  #address: string | undefined

  constructor(options: BrowserOptions<Server>) {
    this.#o = options
    const { servers, site, subnet, askServer, from } = options
    this.#resolver = new Resolver(servers, site.domain, subnet, askServer)
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: connections,
      ...(from ? { localAddress: from } : {}),
    })
  }

  /** Gives its connections back. */
  close(): void {
    this.#agent.destroy()
  }

  /** Sends a request and records how it went; resolves to the answer if it is a good one. Never rejects. */
  async fetch(what: Wanted): Promise<Answer | undefined> {
    const { name, visitor, place, now, record, site, patienceMs, stops } = this.#o
    const { kind, dueMs, method, path, body, reference } = what
    const sentMs = now()
    const base = {
      user: name,
      visitor,
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

    const cookie = this.#jar.header(path, Date.now())
    const send = (address: string) =>
      exchange({
        agent: this.#agent,
        address,
        port: site.port,
        host: site.domain,
        method,
        path,
        headers: { ...usual, ...what.headers, ...(cookie ? { cookie } : {}) },
        body,
        patienceMs: Math.max(1, patienceMs - (now() - sentMs)),
        stops,
      })
    const went = await this.#ask(method, send)
    if ('why' in went) {
      end({ ...none, dnsMs: went.dnsMs, error: stops.stopped ? stoppedError : dnsErrors[went.why] })
      return undefined
    }
    const { got, address, dnsMs } = went
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
    this.#address = address
    return status >= 400 ? undefined : got.answer
  }

  /**
   * As browsers do: on a kept connection if one is free, whatever has become of the name meanwhile; else where the name
   * leads. A kept one that turns out to be closed is no error to a reader (only GET: RFC 9112, 9.3.1).
   */
  async #ask(method: string, send: (address: string) => Promise<Exchange>): Promise<Went> {
    const { now } = this.#o
    let dnsMs = 0
    for (let tries = 1; ; tries += 1) {
      let went: { got: Exchange; address: string }
      if (this.#address !== undefined && this.#hasFree(this.#address)) {
        went = { got: await send(this.#address), address: this.#address }
      } else {
        const askedMs = now()
        const kept = this.#resolver.kept(askedMs) !== undefined
        const resolved = await this.#resolver.resolve(now)
        if (!kept) dnsMs += now() - askedMs
        if (!resolved.ok) return { why: resolved.why, dnsMs }
        went = await firstThatConnects(resolved.addresses, send)
      }
      const stale = 'stale' in went.got && went.got.stale
      // Each of the connections that it had can be closed, no more.
      if (!stale || method !== 'GET' || tries > connections) return { ...went, dnsMs }
    }
  }

  /** As `node:http` will look for one. */
  #hasFree(address: string): boolean {
    const { site, from } = this.#o
    const name = this.#agent.getName({
      host: address,
      port: site.port,
      ...(from ? { localAddress: from } : {}),
    })
    return this.#agent.freeSockets[name]?.some((socket) => socket.writable) ?? false
  }
}

/** `dnsMs`: what asking for the name took, 0 when it was not asked for. */
type Went = { dnsMs: number } & (
  | { got: Exchange; address: string }
  | { why: Exclude<Resolution, { ok: true }>['why'] }
)

/** The run was stopped while it was under way: neither good nor bad. */
export const stoppedError: Exclude<Exchange, { answer: unknown }>['failure'] = 'stopped'

const dnsErrors: Record<Exclude<Resolution, { ok: true }>['why'], string> = {
  unreachable: 'DNS: no answer',
  refused: 'DNS: refused',
  empty: 'DNS: empty',
  'not asked': 'own limit',
}

const usual = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'user-agent': 'nearside-users' }

/** Another address would not help. */
const final: readonly string[] = ['own limit', 'stopped', 'timed out']

/** A name with several addresses: the next one when a connection to one cannot be had. */
async function firstThatConnects(addresses: readonly string[], ask: (address: string) => Promise<Exchange>) {
  for (const [index, address] of addresses.entries()) {
    const got = await ask(address)
    const mayTryNext = 'failure' in got && !got.connected && !final.includes(got.failure)
    if (!mayTryNext || index === addresses.length - 1) return { got, address }
  }
  throw new RangeError('expected an address')
}
