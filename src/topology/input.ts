// Generated from schema.ts by `npm run docs`. Do not edit.

/** Contents of a topology file. */
export interface TopologyInput {
  /** Name of the world. */
  name: string
  /** The domain that users visit. Knot answers queries for it. */
  domain: string
  network?: {
    /**
     * Network of a world on one machine. A second world on the same machine needs a different base.
     * @default "127.77"
     */
    base?: string
    /**
     * Measured round trips between regions in ms, such as "us-east us-west": 62.5. Missing pairs are
     * estimated from their locations. They determine etcd’s timeouts and the latencies of a lab.
     */
    rttMs?: Record<string, number>
  }
  /** Ports, all on the region’s own address. */
  ports?: {
    /**
     * HAProxy, users.
     * @default 8080
     */
    http?: number
    /**
     * HAProxy, requests from other regions.
     * @default 8081
     */
    region?: number
    /**
     * HAProxy, health checks by agents and other regions.
     * @default 8082
     */
    health?: number
    /**
     * HAProxy, connections to the primary, in whichever region it is.
     * @default 6432
     */
    databaseWrite?: number
    /**
     * HAProxy, connections to the local database.
     * @default 6433
     */
    databaseRead?: number
    /**
     * Varnish.
     * @default 6081
     */
    varnish?: number
    /**
     * Knot DNS, UDP and TCP.
     * @default 5300
     */
    dns?: number
    /**
     * Patroni’s REST API.
     * @default 8008
     */
    patroni?: number
    /**
     * PostgreSQL.
     * @default 5432
     */
    postgres?: number
    /**
     * Redis.
     * @default 6379
     */
    redis?: number
    /**
     * etcd, clients.
     * @default 2379
     */
    etcdClient?: number
    /**
     * etcd, members.
     * @default 2380
     */
    etcdPeer?: number
    /**
     * Agent: API and /metrics.
     * @default 7400
     */
    agent?: number
    /**
     * First port of the app’s instances. Every instance on a machine has a unique port, because many apps
     * listen on all addresses. Default: 3000 for network.base 127.77, otherwise derived from network.base so
     * that worlds do not clash.
     */
    app?: number
  }
  /** Regions by name. Their order determines their addresses, so add new ones at the end. */
  regions: {
    [name: string]: {
      /** Location in degrees. Distances to users and other regions are measured from this point. */
      location: {
        lat: number
        lon: number
      }
      /**
       * full: takes users, holds data, votes. edge: takes users only. witness: votes only.
       * @default "full"
       */
      role?: 'full' | 'edge' | 'witness'
      /**
       * The region’s own address. Default: <network.base>.<i>.1, where i is the region’s position in this
       * file, from 1.
       */
      address?: string
      /** Environment of the app in this region only; overrides app.env. */
      env?: Record<string, string>
    }
  }
  app: {
    /** Command that starts one instance, without a shell. The instance must listen on HOST:PORT. */
    command: string[]
    /**
     * Working directory, relative to the topology file.
     * @default "."
     */
    folder?: string
    /**
     * Command that runs once in the primary’s region before instances start, such as migrations. It must be
     * safe to run again on the same database.
     */
    release?: string[]
    /**
     * Instances per full region.
     * @default 2
     */
    instances?: number
    /**
     * Path that answers 200 (or another 2xx) while an instance can serve reads. It must not depend on the
     * primary.
     * @default "/healthz"
     */
    health?: string
    /**
     * Time that an instance may take to become healthy.
     * @default 60
     */
    startSeconds?: number
    /**
     * Time between SIGTERM and SIGKILL.
     * @default 10
     */
    stopSeconds?: number
    /**
     * Time that a response may stall before the request fails.
     * @default 60
     */
    timeoutSeconds?: number
    /** Paths served through the CDN cache. */
    static?: string[]
    /**
     * Maximum size of a request body. Larger ones get 413.
     * @default "10mb"
     */
    maxBody?: string
    writes?: {
      /**
       * Methods that do not write. Requests with any other method, known or not, are forwarded to the
       * primary’s region.
       * @default ["GET","HEAD","OPTIONS","PROPFIND","REPORT","SEARCH","QUERY"]
       */
      safeMethods?: string[]
      /** Requests that write although their method is safe. */
      also?: string[]
      /**
       * Requests that do not write although their method is not safe. Like any read, such a request may be
       * sent to the app a second time when the connection breaks off.
       */
      except?: string[]
    }
    /** Environment of the app in every region. */
    env?: Record<string, string>
  }
  database?: {
    /** Region that holds the primary initially. Default: the first full region. */
    primary?: string
    /**
     * Name of the app’s database and role.
     * @default "app"
     */
    name?: string
    /**
     * region: an acknowledged write is on disk in two regions; without a sync standby, writes continue at
     * risk. strict: writes stop instead. local: asynchronous; losing a region may lose the last writes.
     * @default "region"
     */
    durability?: 'region' | 'strict' | 'local'
    /**
     * How long a write is held while there is no primary.
     * @default 15
     */
    holdSeconds?: number
    /**
     * PostgreSQL’s max_connections.
     * @default 100
     */
    maxConnections?: number
    /** Additional PostgreSQL parameters. */
    parameters?: Record<string, string | number | boolean>
  }
  cache?: {
    /**
     * Memory of Redis, per region. Least recently used keys are evicted first.
     * @default "64mb"
     */
    maxMemory?: string
  }
  cdn?: {
    /**
     * Memory of Varnish’s cache, per region.
     * @default "64mb"
     */
    maxMemory?: string
    /**
     * Whether responses of paths that are not static are cached when their headers allow it. false: only
     * app.static is cached.
     * @default true
     */
    pages?: boolean
    /**
     * Longest time that such a response counts as fresh, whatever its headers say, and longest time that it
     * may be served or revalidated after that. app.static is not limited.
     * @default 60
     */
    pagesMaxSeconds?: number
  }
  edge?: {
    /**
     * Connections of users that one region takes at a time; further ones wait. Other regions, the database
     * endpoints and health checks have limits of their own. Default: what the machine’s limit of open files
     * and its memory allow.
     */
    maxConnections?: number
    /**
     * Time without data in either direction after which a WebSocket is closed.
     * @default 3600
     */
    webSocketIdleSeconds?: number
    /**
     * Addresses or networks of proxies in front of the edge, such as a TLS terminator. Their X-Forwarded-For,
     * -Proto, -Host, -Port and Forwarded headers are kept, and the proxy’s address is appended. From everyone
     * else these headers are replaced. The last address of X-Forwarded-For that is not in this list counts as
     * the client’s.
     */
    trustedProxies?: string[]
  }
  steering?: {
    /**
     * TTL of DNS answers.
     * @default 20
     */
    ttlSeconds?: number
    /**
     * City-level databases in MaxMind’s format: files relative to the topology file, or
     * "npm:<package>/<file>". IPv4 and IPv6 may be in one file or in two. Without a database, every user is
     * sent to the same region.
     */
    geoip?: string[]
    /**
     * Maximum size of the DNS map. Beyond it, neighbouring prefixes share one answer, chosen so that users
     * are sent as little farther as possible. Knot needs about 0.7 MB per 1,000 prefixes and reads 200,000 in
     * a second.
     * @default 200000
     */
    maxPrefixes?: number
    /**
     * Time over which a returning region gets its users back.
     * @default 30
     */
    rampSeconds?: number
  }
  failover?: {
    /**
     * How long a region must not answer a majority before it is declared unreachable.
     * @default 2000
     */
    suspectMs?: number
    /**
     * Interval between probes of a region.
     * @default 500
     */
    probeMs?: number
    /**
     * false: agents only report; failover waits for Patroni’s TTL.
     * @default true
     */
    automatic?: boolean
  }
  slo?: {
    /**
     * A request is fast when it takes at most this long.
     * @default 100
     */
    latencyMs?: number
    /**
     * Share of requests that must be fast.
     * @default 0.95
     */
    share?: number
  }
}
