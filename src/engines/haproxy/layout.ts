import { runFolder } from '../context.ts'

/**
 * Names that the rendered configuration, the control commands and the parsers share. Paths of files are relative to
 * the region's folder; sockets are as the engines see them (`run/` of the folder, from outside).
 */
export const haproxyPaths = {
  config: 'etc/haproxy/haproxy.cfg',
  hold: 'etc/haproxy/hold.lua',
  body: 'etc/haproxy/body.lua',
} as const

export const haproxySockets = {
  /** Runtime API of the worker. */
  stats: `${runFolder}/haproxy.sock`,
  /** The master's own: reload, list of workers, commands to old workers. */
  master: `${runFolder}/haproxy-master.sock`,
  writes: `${runFolder}/haproxy-writes.sock`,
  /** A request whose server was gone when it was its turn comes back in here and is routed again. */
  again: `${runFolder}/haproxy-again.sock`,
  /** Requests whose length is not known beforehand go through here first. */
  chunked: `${runFolder}/haproxy-chunked.sock`,
  /** What Varnish fetches from. */
  origin: `${runFolder}/haproxy-origin.sock`,
  /** Where an old worker tells the new one what it has learned. */
  peers: `${runFolder}/haproxy-peers.sock`,
} as const

/** What the edge answers (503) to a write that it has sent to no app: whoever gets it may be sure. */
export const neverSent = {
  noPrimary: 'The database cannot take writes at the moment.',
  tooMany: 'Too many writes are waiting for the database.',
} as const

/** Proxies of the configuration. A server of `primary` and of each `to-…` has its region's name. */
export const proxies = {
  users: 'users',
  regions: 'regions',
  writes: 'writes',
  again: 'again',
  chunked: 'chunked',
  origin: 'origin',
  app: 'app',
  appHealth: 'app-health',
  cdn: 'cdn',
  own: 'own',
  ownOrigin: 'own-origin',
  ownRegion: 'own-region',
  last: 'last',
  nobody: 'nobody',
  primary: 'primary',
  replica: 'replica',
  to: (region: string) => `to-${region}`,
  /** Where a waiting connection to a database endpoint goes on after a reload. */
  newWorker: (endpoint: string) => `new-worker-${endpoint}`,
} as const

/** Tables (stick-tables) by what is in them. */
export const tables = {
  /** Requests by region that served and class; see traffic.ts. */
  served: 'served',
  /** Writes that wait now. */
  holding: 'holding',
  /** Paths (hashed) whose responses said that a shared cache may keep them. */
  learned: 'learned',
} as const

/** HAProxy's name for itself, see `reloadPeers`. */
export const selfPeer = 'self'

/** Answered by HAProxy itself, on 8080 and on 8081; nothing below this path reaches the app. */
export const ownPaths = {
  all: '/.nearside/',
  /** 200: this HAProxy works. */
  alive: '/.nearside/alive',
  /** On 8080 200: somebody can serve; on 8081 200: the app of this region can. 503 otherwise. */
  ready: '/.nearside/ready',
} as const

/**
 * Writes that may wait at once in one region. Measured with this many, 12 kB of body each: 37 kB of memory each (two streams,
 * a buffer, a Lua coroutine) and 13 % of one core in all. Further ones get 503 at once.
 */
export const maxHeld = 2_000

/** What users see when nobody can serve. */
export const unavailable = {
  retryAfterSeconds: 5,
  html: '<!doctype html><title>Unavailable</title><h1>Not available at the moment</h1><p>Please try again in a few seconds.</p>',
} as const
