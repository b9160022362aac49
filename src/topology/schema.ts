import * as z from 'zod'
import { anySize } from '../lib/quantities.ts'

/**
 * The topology contract. This one schema is the check, the editor's types, the reference (docs/reference/topology.md is made
 * from its descriptions) and the error messages. Rules that need more than one field stand in checks.ts.
 */

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const domainName = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const identifier = /^[a-z_][a-z0-9_]{0,62}$/
const variable = /^[A-Za-z_][A-Za-z0-9_]*$/

const port = z.int().min(1).max(65535)
const env = z.record(z.string().regex(variable, 'a variable name such as LOG_LEVEL'), z.string())
const size = z.string().refine((text) => anySize.parse(text) !== undefined, anySize.expected)
const pathPattern = z
  .string()
  .regex(
    /^\/[^\s*?"'\\]*\*?$/,
    'an absolute path, with at most one * as its last character, such as "/assets/*"',
  )

/** Methods that HTTP calls safe are never writes by themselves; see `app.writes`. */
const writeRule = z
  .string()
  .regex(
    /^[A-Z]+ \/[^\s*?"'\\]*\*?$/,
    'a method and a path pattern, such as "GET /logout" or "POST /search/*"',
  )

const command = z
  .array(z.string().min(1))
  .min(1)
  .describe('Program and arguments; no shell is involved, so nothing needs quoting.')

const region = z.strictObject({
  location: z
    .strictObject({ lat: z.number().min(-90).max(90), lon: z.number().min(-180).max(180) })
    .describe('Where the region is, in degrees. Nearest means nearest to this point.'),
  role: z
    .enum(['full', 'edge', 'witness'])
    .default('full')
    .describe(
      'full: everything. edge: takes users, holds no data. witness: votes, holds no data, takes no users.',
    ),
  address: z
    .ipv4()
    .optional()
    .describe(
      'The region’s own address. Default: <network.base>.<i>.1, i counted from 1 in the order written.',
    ),
  env: env.default({}).describe('Environment of the app in this region only; wins over app.env.'),
})

const ports = z
  .strictObject({
    http: port.default(8080).describe('HAProxy, users.'),
    region: port.default(8081).describe('HAProxy, requests from other regions.'),
    databaseWrite: port.default(6432).describe('HAProxy, the primary wherever it is.'),
    databaseRead: port.default(6433).describe('HAProxy, the local replica.'),
    varnish: port.default(6081).describe('Varnish.'),
    dns: port.default(5300).describe('Knot DNS, UDP and TCP.'),
    patroni: port.default(8008).describe('Patroni’s REST API.'),
    postgres: port.default(5432).describe('PostgreSQL.'),
    redis: port.default(6379).describe('Redis.'),
    etcdClient: port.default(2379).describe('etcd, clients.'),
    etcdPeer: port.default(2380).describe('etcd, members.'),
    agent: port.default(7400).describe('Agent: API and /metrics.'),
    app: port
      .optional()
      .describe(
        'First port of the app’s instances. Every instance on a machine has a port of its own, because many apps listen on all addresses. Default: 3000 for network.base 127.77, elsewhere from the base, so that worlds do not clash.',
      ),
  })
  .describe('Ports, all on the region’s own address.')

export const topologySchema = z.strictObject({
  name: z
    .string()
    .regex(label, 'a DNS label: a-z, 0-9 and -, at most 63 characters')
    .describe('Name of the world.'),
  domain: z
    .string()
    .regex(domainName, 'a domain name such as "shop.example.com"')
    .describe('The name that users type; Knot answers for it.'),
  network: z
    .strictObject({
      base: z
        .string()
        .regex(/^\d{1,3}\.\d{1,3}$/, 'the first two numbers of an IPv4 network, such as "127.77"')
        .default('127.77')
        .describe(
          'Network of a world on one machine; another base lets a second world live beside the first.',
        ),
      rttMs: z
        .record(
          z.string().regex(/^[a-z0-9-]+ [a-z0-9-]+$/, 'two regions, such as "us-east us-west"'),
          z.number().min(0).max(10_000),
        )
        .optional()
        .describe(
          'Measured round trips between regions in ms, such as "us-east us-west": 62.5. Pairs that are not here get an estimate from their locations. etcd’s timeouts and the distances of a lab follow them.',
        ),
    })
    .prefault({}),
  ports: ports.prefault({}),
  regions: z
    .record(z.string().regex(label, 'a DNS label: a-z, 0-9 and -, at most 63 characters'), region)
    .describe('The regions by name. Their order gives them their numbers: add new ones at the end.'),
  app: z.strictObject({
    command: command.describe(
      'Starts one instance. No shell is involved. The instance listens on HOST:PORT.',
    ),
    folder: z.string().min(1).default('.').describe('Working directory, relative to the topology file.'),
    release: command
      .optional()
      .describe(
        'Runs once in the primary region before instances start (migrations). Must be safe to run again on the same database.',
      ),
    instances: z.int().min(1).max(64).default(2).describe('Instances per full region.'),
    health: pathPattern
      .default('/healthz')
      .describe('Answers 200 when an instance can serve reads. It must not need the primary.'),
    startSeconds: z
      .int()
      .min(1)
      .max(600)
      .default(60)
      .describe('How long an instance may take to become healthy.'),
    stopSeconds: z.int().min(1).max(600).default(10).describe('SIGTERM to SIGKILL.'),
    timeoutSeconds: z
      .int()
      .min(1)
      .max(3600)
      .default(60)
      .describe('Longest silence while a response is awaited.'),
    static: z.array(pathPattern).default([]).describe('Paths served through the CDN cache.'),
    maxBody: size.default('10mb').describe('Largest request body; larger ones get 413.'),
    writes: z
      .strictObject({
        methods: z
          .array(z.string().regex(/^[A-Z]+$/, 'an HTTP method in capitals'))
          .default(['POST', 'PUT', 'PATCH', 'DELETE'])
          .describe('Methods that are sent to the primary region.'),
        also: z.array(writeRule).default([]).describe('Requests that write although their method is safe.'),
        except: z
          .array(writeRule)
          .default([])
          .describe('Requests that do not write although their method is unsafe.'),
      })
      .prefault({}),
    env: env.default({}).describe('Environment of the app in every region.'),
  }),
  database: z
    .strictObject({
      primary: z
        .string()
        .optional()
        .describe('Region that holds the primary at first. Default: the first full region.'),
      name: z
        .string()
        .regex(identifier, 'a PostgreSQL name: a-z, 0-9 and _')
        .default('app')
        .describe('Database and role of the app.'),
      durability: z
        .enum(['region', 'strict', 'local'])
        .default('region')
        .describe(
          'region: an acknowledged write is on disk in two regions; a region left alone goes on, at risk. strict: it stops instead. local: asynchronous, the last writes may be lost with a region.',
        ),
      holdSeconds: z
        .int()
        .min(0)
        .max(120)
        .default(15)
        .describe('How long a write is kept waiting while there is no primary.'),
      maxConnections: z.int().min(20).max(5000).default(100).describe('PostgreSQL max_connections.'),
      parameters: z
        .record(
          z.string().regex(/^[a-z_.]+$/, 'a PostgreSQL parameter'),
          z.union([z.string(), z.number(), z.boolean()]),
        )
        .default({})
        .describe('Further PostgreSQL parameters.'),
    })
    .prefault({}),
  cache: z
    .strictObject({
      maxMemory: size.default('64mb').describe('Redis, per region; least recently used keys go first.'),
    })
    .prefault({}),
  cdn: z.strictObject({ maxMemory: size.default('64mb').describe('Varnish, per region.') }).prefault({}),
  steering: z
    .strictObject({
      ttlSeconds: z.int().min(1).max(3600).default(20).describe('TTL of DNS answers.'),
      geoip: z
        .array(z.string().min(1))
        .default([])
        .describe(
          'City-level databases of IP prefixes in MaxMind’s format: files relative to the topology file, or "npm:<package>/<file>". IPv4 and IPv6 may be in one file or in two. Without one, every user is sent to the same region.',
        ),
      maxPrefixes: z
        .int()
        .min(16)
        .max(500_000)
        .default(100_000)
        .describe(
          'Bound on the DNS map; beyond it neighbouring prefixes share the answer that misleads fewest addresses.',
        ),
      rampSeconds: z
        .int()
        .min(0)
        .max(3600)
        .default(30)
        .describe('A returning region gets its users back over this time.'),
    })
    .prefault({}),
  failover: z
    .strictObject({
      suspectMs: z
        .int()
        .min(500)
        .max(60_000)
        .default(2000)
        .describe('How long a majority must have seen a region dead before it is declared lost.'),
      probeMs: z.int().min(100).max(10_000).default(500).describe('Time between two probes of a region.'),
      automatic: z
        .boolean()
        .default(true)
        .describe('false: agents report but leave failover to Patroni’s own ttl.'),
    })
    .prefault({}),
  slo: z
    .strictObject({
      latencyMs: z.number().positive().default(100).describe('What counts as fast.'),
      share: z.number().gt(0).max(1).default(0.95).describe('Share of requests that must be fast.'),
    })
    .prefault({}),
})

/** What an operator writes; input.ts has the same for editors, with the descriptions. */
export type TopologyInput = z.input<typeof topologySchema>
/** What the program works with: checked, every default filled in. */
export type Topology = z.output<typeof topologySchema>
export type Role = Topology['regions'][string]['role']
export type PortName = keyof Topology['ports']
