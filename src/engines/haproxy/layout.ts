import { runFolder } from '../context.ts'

/**
 * Names that the rendered configuration, the control commands and the parsers share. File paths are relative to the
 * region's folder. Socket paths are those inside the sandbox; outside, they are in the folder's `run/`.
 */
export const haproxyPaths = {
  config: 'etc/haproxy/haproxy.cfg',
  hold: 'etc/haproxy/hold.lua',
  body: 'etc/haproxy/body.lua',
  fetch: 'etc/haproxy/fetch.lua',
  connection: 'etc/haproxy/connection.lua',
  lines: 'etc/haproxy/lines.lua',
} as const

export const haproxySockets = {
  /** The worker's runtime API. */
  stats: `${runFolder}/haproxy.sock`,
  /** The master's CLI: reload, list of workers, commands to old workers. */
  master: `${runFolder}/haproxy-master.sock`,
  writes: `${runFolder}/haproxy-writes.sock`,
  /** Requests whose server was gone come back in here and are routed again. */
  reroute: `${runFolder}/haproxy-reroute.sock`,
  /** Chunked requests, whose length is not known in advance, pass through here first. */
  chunked: `${runFolder}/haproxy-chunked.sock`,
  /** WebSockets for this region's app pass a TCP proxy here. */
  sockets: `${runFolder}/haproxy-sockets.sock`,
  /** Varnish's origin. */
  origin: `${runFolder}/haproxy-origin.sock`,
  /** By which an old worker passes its learned paths to the new one. */
  peers: `${runFolder}/haproxy-peers.sock`,
} as const

/** The edge's answer (503) to a write that it has not sent to any app, so the client knows that it was not executed. */
export const neverSent = {
  noPrimary: 'The database cannot take writes at the moment.',
  tooMany: 'Too many writes are waiting for the database.',
} as const

/** Proxy names. Servers of `primary` and of each `to-…` are named after their regions. */
export const proxies = {
  users: 'users',
  health: 'health',
  regions: 'regions',
  writes: 'writes',
  reroute: 'reroute',
  chunked: 'chunked',
  origin: 'origin',
  sockets: 'sockets',
  socketsApp: 'sockets-app',
  app: 'app',
  appHealth: 'app-health',
  cdn: 'cdn',
  own: 'own',
  ownOrigin: 'own-origin',
  ownRegion: 'own-region',
  lastResort: 'last-resort',
  lastResortHop: 'last-resort-hop',
  unavailable: 'unavailable',
  primary: 'primary',
  replica: 'replica',
  database: (endpoint: string) => `database-${endpoint}`,
  to: (region: string) => `to-${region}`,
  /** Takes the connections to a database endpoint that still wait in the old worker after a reload. */
  newWorker: (endpoint: string) => `new-worker-${endpoint}`,
} as const

/** Stick-tables. */
export const tables = {
  /** Requests by serving region and class; see traffic.ts. */
  served: 'served',
  /** Writes that are being held, and uploads under way. */
  holding: 'holding',
  /** Uploads under way by the client's address. */
  uploading: 'uploading',
  /** What a client's address has of a crowded frontend. */
  crowd: (frontend: string) => `crowd-${frontend}`,
  /** Pages whose responses allowed shared caching. */
  learned: 'learned',
  /** URLs whose responses Varnish could not store. */
  bypass: 'bypass',
  /** URLs that were written to since the cache fetched them. */
  changed: 'changed',
} as const

/** HAProxy's name for itself as a peer, see `reloadPeers`. */
export const selfPeer = 'self'

/** Endpoints that HAProxy answers itself, on 8080, 8081 and 8082. No request below this path reaches the app. */
export const ownPaths = {
  all: '/.nearside/',
  /** 200 while this HAProxy runs. */
  alive: '/.nearside/alive',
  /**
   * On 8080, 200 while any region can serve; on 8081 and 8082, 200 while this region's app can (in an edge region: any).
   * Otherwise 503.
   */
  ready: '/.nearside/ready',
  /** 200 while any region can serve, on every port. */
  serving: '/.nearside/serving',
} as const

/**
 * Maximum number of held writes in one region, less where its `writes` frontend is small (see limits.ts); further ones get 503 immediately. Measured with this many bodies of 12
 * kB: 37 kB of memory each (two streams, a buffer, a Lua coroutine) and 13 % of one core in total.
 */
export const maxHeld = 2_000

/** Response to users when no region can serve. */
export const unavailable = {
  retryAfterSeconds: 5,
  html: '<!doctype html><title>Unavailable</title><h1>Temporarily unavailable</h1><p>Please try again in a few seconds.</p>',
} as const
