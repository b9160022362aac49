import { Agent } from 'node:http'
import type { Prefix } from '../../../geo/prefix.ts'
import type { Sample } from '../samples.ts'
import { CookieJar } from './cookies.ts'
import { type Answer, type Exchange, exchange } from './exchange.ts'
import { type AskServer, type Resolution, Resolver } from './resolver.ts'
import type { Stops } from './stops.ts'

/** The world from a user's perspective. */
export type Site = {
  domain: string
  port: number
  /** Maps an address to its region. */
  regionAt: ReadonlyMap<string, string>
}

export type BrowserOptions<Server> = {
  /** Name of its user, unique in the run. */
  name: string
  /** The same as a number. */
  visitor: number
  place: number
  /** Local address to connect from; undefined leaves it to the routing table. */
  from: string | undefined
  /** Client subnet that its resolver sends to name servers. */
  subnet: Prefix | undefined
  /** In the order in which they are tried. */
  servers: readonly Server[]
  askServer: AskServer<Server>
  site: Site
  answerTimeoutMs: number
  stops: Stops
  /** Since the start of the run. */
  now: () => number
  record: (request: UserRequest) => void
}

/** A sample with details that only the user knows. */
export type UserRequest = Sample & {
  user: string
  method: string
  path: string
  /** Status of the answer, if there was one. */
  status?: number
  /** Reference in the request, if it had one. */
  reference?: string
}

/** A request to send. */
type Wanted = {
  kind: string
  dueMs: number
  method: string
  path: string
  headers?: Record<string, string>
  body?: string | undefined
  reference?: string | undefined
}

/** Connections that a browser opens to one site. */
const connections = 6

/** One user's client: a resolver with its subnet, kept-alive connections and cookies. */
export class Browser<Server> {
  readonly #o: BrowserOptions<Server>
  readonly #resolver: Resolver<Server>
  readonly #agent: Agent
  readonly #jar = new CookieJar()
  /** Address of its latest answer. */
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

  /** Closes its connections. */
  close(): void {
    this.#agent.destroy()
  }

  /** Sends a request and records the result. Resolves to the answer if it was successful. Never rejects. */
  async fetch(what: Wanted): Promise<Answer | undefined> {
    const { name, visitor, place, now, record, site, answerTimeoutMs, stops } = this.#o
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
        answerTimeoutMs: Math.max(1, answerTimeoutMs - (now() - sentMs)),
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
   * Like a browser, uses a free kept-alive connection regardless of DNS changes, otherwise resolves the name. A
   * kept-alive connection that turns out to be closed is not an error for a read (only GET: RFC 9112, 9.3.1).
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
      // At most each of its earlier connections can be closed.
      if (!stale || method !== 'GET' || tries > connections) return { ...went, dnsMs }
    }
  }

  /** Mirrors how `node:http` looks for one. */
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

/** `dnsMs`: duration of the DNS lookup, 0 without one. */
type Went = { dnsMs: number } & (
  | { got: Exchange; address: string }
  | { why: Exclude<Resolution, { ok: true }>['why'] }
)

/** The run stopped while it was in flight: neither success nor failure. */
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

/** Tries a name's further addresses if a connection to one fails. */
async function firstThatConnects(addresses: readonly string[], ask: (address: string) => Promise<Exchange>) {
  for (const [index, address] of addresses.entries()) {
    const got = await ask(address)
    const mayTryNext = 'failure' in got && !got.connected && !final.includes(got.failure)
    if (!mayTryNext || index === addresses.length - 1) return { got, address }
  }
  throw new RangeError('expected an address')
}
