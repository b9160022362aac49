// Made from schema.ts by `npm run docs`. Do not edit.

/** What a topology file holds. */
export interface TopologyInput {
  /** Name of the world. */
  name: string
  /** The name that users type; Knot answers for it. */
  domain: string
  network?: {
    /**
     * Network of a world on one machine; another base lets a second world live beside the first.
     * @default "127.77"
     */
    base?: string
    /**
     * Measured round trips between regions in ms, such as "us-east us-west": 62.5. Pairs that are not here
     * get an estimate from their locations. etcd’s timeouts and the distances of a lab follow them.
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
     * HAProxy, the primary wherever it is.
     * @default 6432
     */
    databaseWrite?: number
    /**
     * HAProxy, the local replica.
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
     * First port of the app’s instances. Every instance on a machine has a port of its own, because many apps
     * listen on all addresses. Default: 3000 for network.base 127.77, elsewhere from the base, so that worlds
     * do not clash.
     */
    app?: number
  }
  /** The regions by name. Their order gives them their numbers: add new ones at the end. */
  regions: {
    [name: string]: {
      /** Where the region is, in degrees. Nearest means nearest to this point. */
      location: {
        lat: number
        lon: number
      }
      /**
       * full: everything. edge: takes users, holds no data. witness: votes, holds no data, takes no users.
       * @default "full"
       */
      role?: 'full' | 'edge' | 'witness'
      /** The region’s own address. Default: <network.base>.<i>.1, i counted from 1 in the order written. */
      address?: string
      /** Environment of the app in this region only; wins over app.env. */
      env?: Record<string, string>
    }
  }
  app: {
    /** Starts one instance. No shell is involved. The instance listens on HOST:PORT. */
    command: string[]
    /**
     * Working directory, relative to the topology file.
     * @default "."
     */
    folder?: string
    /**
     * Runs once in the primary region before instances start (migrations). Must be safe to run again on the
     * same database.
     */
    release?: string[]
    /**
     * Instances per full region.
     * @default 2
     */
    instances?: number
    /**
     * Answers 200 when an instance can serve reads. It must not need the primary.
     * @default "/healthz"
     */
    health?: string
    /**
     * How long an instance may take to become healthy.
     * @default 60
     */
    startSeconds?: number
    /**
     * SIGTERM to SIGKILL.
     * @default 10
     */
    stopSeconds?: number
    /**
     * Longest silence while a response is awaited.
     * @default 60
     */
    timeoutSeconds?: number
    /** Paths served through the CDN cache. */
    static?: string[]
    /**
     * Largest request body; larger ones get 413.
     * @default "10mb"
     */
    maxBody?: string
    writes?: {
      /**
       * Methods that are sent to the primary region.
       * @default ["POST","PUT","PATCH","DELETE"]
       */
      methods?: string[]
      /** Requests that write although their method is safe. */
      also?: string[]
      /** Requests that do not write although their method is unsafe. */
      except?: string[]
    }
    /** Environment of the app in every region. */
    env?: Record<string, string>
  }
  database?: {
    /** Region that holds the primary at first. Default: the first full region. */
    primary?: string
    /**
     * Database and role of the app.
     * @default "app"
     */
    name?: string
    /**
     * region: an acknowledged write is on disk in two regions; a region left alone goes on, at risk. strict:
     * it stops instead. local: asynchronous, the last writes may be lost with a region.
     * @default "region"
     */
    durability?: 'region' | 'strict' | 'local'
    /**
     * How long a write is kept waiting while there is no primary.
     * @default 15
     */
    holdSeconds?: number
    /**
     * PostgreSQL max_connections.
     * @default 100
     */
    maxConnections?: number
    /** Further PostgreSQL parameters. */
    parameters?: Record<string, string | number | boolean>
  }
  cache?: {
    /**
     * Redis, per region; least recently used keys go first.
     * @default "64mb"
     */
    maxMemory?: string
  }
  cdn?: {
    /**
     * Varnish, per region.
     * @default "64mb"
     */
    maxMemory?: string
  }
  steering?: {
    /**
     * TTL of DNS answers.
     * @default 20
     */
    ttlSeconds?: number
    /**
     * City-level databases of IP prefixes in MaxMind’s format: files relative to the topology file, or
     * "npm:<package>/<file>". IPv4 and IPv6 may be in one file or in two. Without one, every user is sent to
     * the same region.
     */
    geoip?: string[]
    /**
     * Bound on the DNS map; beyond it neighbouring prefixes share the answer that misleads fewest addresses.
     * @default 100000
     */
    maxPrefixes?: number
    /**
     * A returning region gets its users back over this time.
     * @default 30
     */
    rampSeconds?: number
  }
  failover?: {
    /**
     * How long a majority must have seen a region dead before it is declared lost.
     * @default 2000
     */
    suspectMs?: number
    /**
     * Time between two probes of a region.
     * @default 500
     */
    probeMs?: number
    /**
     * false: agents report but leave failover to Patroni’s own ttl.
     * @default true
     */
    automatic?: boolean
  }
  slo?: {
    /**
     * What counts as fast.
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
