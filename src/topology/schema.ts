import * as z from 'zod'
import { anySize } from '../lib/quantities.ts'

/**
 * The topology's single source of truth: validation, types for editors, error messages, and the reference
 * (docs/reference/topology.md is generated from the descriptions). Rules that span several fields are in rules/.
 */

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const domainName = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const identifier = /^[a-z_][a-z0-9_]{0,62}$/
const variable = /^[A-Za-z_][A-Za-z0-9_]*$/

const port = z.int().min(1).max(65535)
const env = z.record(z.string().regex(variable, 'a variable name such as LOG_LEVEL'), z.string())
const size = z.string().regex(anySize.pattern!, anySize.expected)
const pathPattern = z
  .string()
  .regex(
    /^\/[^\s*?"'\\]*\*?$/,
    'an absolute path, with at most one * as its last character, such as "/assets/*"',
  )

const writeRule = z
  .string()
  .regex(
    /^[A-Z]+ \/[^\s*?"'\\]*\*?$/,
    'a method and a path pattern, such as "GET /logout" or "POST /search/*"',
  )

const addressOrNetwork = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])
const network = z
  .string()
  .refine((text) => addressOrNetwork.safeParse(text).success, 'an address or a network such as "10.1.0.0/16"')

const command = z
  .array(z.string().min(1))
  .min(1)
  .describe('Program and arguments; no shell is involved, so nothing needs quoting.')

const region = z.strictObject({
  location: z
    .strictObject({ lat: z.number().min(-90).max(90), lon: z.number().min(-180).max(180) })
    .describe('Location in degrees. Distances to users and other regions are measured from this point.'),
  role: z
    .enum(['full', 'edge', 'witness'])
    .default('full')
    .describe('full: takes users, holds data, votes. edge: takes users only. witness: votes only.'),
  address: z
    .ipv4()
    .optional()
    .describe(
      'The region’s own address. Default: <network.base>.<i>.1, where i is the region’s position in this file, from 1.',
    ),
  env: env.default({}).describe('Environment of the app in this region only; overrides app.env.'),
})

const ports = z
  .strictObject({
    http: port.default(8080).describe('HAProxy, users.'),
    region: port.default(8081).describe('HAProxy, requests from other regions.'),
    health: port.default(8082).describe('HAProxy, health checks by agents and other regions.'),
    databaseWrite: port
      .default(6432)
      .describe('HAProxy, connections to the primary, in whichever region it is.'),
    databaseRead: port.default(6433).describe('HAProxy, connections to the local database.'),
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
        'First port of the app’s instances. Every instance on a machine has a unique port, because many apps listen on all addresses. Default: 3000 for network.base 127.77, otherwise derived from network.base so that worlds do not clash.',
      ),
  })
  .describe('Ports, all on the region’s own address.')

export const topologySchema = z.strictObject({
  name: z
    .string()
    .regex(label, 'a name of a-z, 0-9 and -, with at most 63 characters')
    .describe('Name of the world.'),
  domain: z
    .string()
    .regex(domainName, 'a domain name such as "shop.example.com"')
    .describe('The domain that users visit. Knot answers queries for it.'),
  network: z
    .strictObject({
      base: z
        .string()
        .regex(/^\d{1,3}\.\d{1,3}$/, 'the first two numbers of an IPv4 network, such as "127.77"')
        .default('127.77')
        .describe(
          'Network of a world on one machine. A second world on the same machine needs a different base.',
        ),
      rttMs: z
        .record(
          z.string().regex(/^[a-z0-9-]+ [a-z0-9-]+$/, 'two region names such as "us-east us-west"'),
          z.number().min(0).max(10_000),
        )
        .optional()
        .describe(
          'Measured round trips between regions in ms, such as "us-east us-west": 62.5. Missing pairs are estimated from their locations. They determine etcd’s timeouts and the latencies of a lab.',
        ),
    })
    .prefault({}),
  ports: ports.prefault({}),
  regions: z
    .record(z.string().regex(label, 'a name of a-z, 0-9 and -, with at most 63 characters'), region)
    .describe('Regions by name. Their order determines their addresses, so add new ones at the end.'),
  app: z.strictObject({
    command: command.describe(
      'Command that starts one instance, without a shell. The instance must listen on HOST:PORT.',
    ),
    folder: z.string().min(1).default('.').describe('Working directory, relative to the topology file.'),
    release: command
      .optional()
      .describe(
        'Command that runs once in the primary’s region before instances start, such as migrations. It must be safe to run again on the same database.',
      ),
    instances: z.int().min(1).max(64).default(2).describe('Instances per full region.'),
    health: pathPattern
      .default('/healthz')
      .describe(
        'Path that answers 200 (or another 2xx) while an instance can serve reads. It must not depend on the primary.',
      ),
    startSeconds: z
      .int()
      .min(1)
      .max(600)
      .default(60)
      .describe('Time that an instance may take to become healthy.'),
    stopSeconds: z.int().min(1).max(600).default(10).describe('Time between SIGTERM and SIGKILL.'),
    timeoutSeconds: z
      .int()
      .min(1)
      .max(3600)
      .default(60)
      .describe('Time that a response may stall before the request fails.'),
    static: z.array(pathPattern).default([]).describe('Paths served through the CDN cache.'),
    maxBody: size.default('10mb').describe('Maximum size of a request body. Larger ones get 413.'),
    writes: z
      .strictObject({
        safeMethods: z
          .array(z.string().regex(/^[A-Z]+$/, 'an HTTP method in capitals'))
          .default(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY'])
          .describe(
            'Methods that do not write. Requests with any other method, known or not, are forwarded to the primary’s region.',
          ),
        also: z.array(writeRule).default([]).describe('Requests that write although their method is safe.'),
        except: z
          .array(writeRule)
          .default([])
          .describe(
            'Requests that do not write although their method is not safe. Like any read, such a request may be sent to the app a second time when the connection breaks off.',
          ),
      })
      .prefault({}),
    env: env.default({}).describe('Environment of the app in every region.'),
  }),
  database: z
    .strictObject({
      primary: z
        .string()
        .optional()
        .describe('Region that holds the primary initially. Default: the first full region.'),
      name: z
        .string()
        .regex(identifier, 'a PostgreSQL name of a-z, 0-9 and _, without a digit at its start')
        .default('app')
        .describe('Name of the app’s database and role.'),
      durability: z
        .enum(['region', 'strict', 'local'])
        .default('region')
        .describe(
          'region: an acknowledged write is on disk in two regions; without a sync standby, writes continue at risk. strict: writes stop instead. local: asynchronous; losing a region may lose the last writes.',
        ),
      holdSeconds: z
        .int()
        .min(0)
        .max(120)
        .default(15)
        .describe('How long a write is held while there is no primary.'),
      maxConnections: z.int().min(20).max(5000).default(100).describe('PostgreSQL’s max_connections.'),
      parameters: z
        .record(
          z.string().regex(/^[a-z_.]+$/, 'a PostgreSQL parameter'),
          z.union([z.string(), z.number(), z.boolean()]),
        )
        .default({})
        .describe('Additional PostgreSQL parameters.'),
    })
    .prefault({}),
  cache: z
    .strictObject({
      maxMemory: size
        .default('64mb')
        .describe('Memory of Redis, per region. Least recently used keys are evicted first.'),
    })
    .prefault({}),
  cdn: z
    .strictObject({
      maxMemory: size.default('64mb').describe('Memory of Varnish’s cache, per region.'),
      pages: z
        .boolean()
        .default(true)
        .describe(
          'Whether responses of paths that are not static are cached when their headers allow it. false: only app.static is cached.',
        ),
      pagesMaxSeconds: z
        .int()
        .min(1)
        .max(31_536_000)
        .default(60)
        .describe(
          'Longest time that such a response counts as fresh, whatever its headers say, and longest time that it may be served or revalidated after that. app.static is not limited.',
        ),
    })
    .prefault({}),
  edge: z
    .strictObject({
      maxConnections: z
        .int()
        .min(50)
        .max(1_000_000)
        .optional()
        .describe(
          'Connections of users that one region takes at a time; further ones wait. Other regions, the database endpoints and health checks have limits of their own. Default: what the machine’s limit of open files and its memory allow.',
        ),
      webSocketIdleSeconds: z
        .int()
        .min(1)
        .max(604_800)
        .default(3600)
        .describe('Time without data in either direction after which a WebSocket is closed.'),
      trustedProxies: z
        .array(network)
        .default([])
        .describe(
          'Addresses or networks of proxies in front of the edge, such as a TLS terminator. Their X-Forwarded-For, -Proto, -Host, -Port and Forwarded headers are kept, and the proxy’s address is appended. From everyone else these headers are replaced. The last address of X-Forwarded-For that is not in this list counts as the client’s.',
        ),
    })
    .prefault({}),
  steering: z
    .strictObject({
      ttlSeconds: z.int().min(1).max(3600).default(20).describe('TTL of DNS answers.'),
      geoip: z
        .array(z.string().min(1))
        .default([])
        .describe(
          'City-level databases in MaxMind’s format: files relative to the topology file, or "npm:<package>/<file>". IPv4 and IPv6 may be in one file or in two. Without a database, every user is sent to the same region.',
        ),
      maxPrefixes: z
        .int()
        .min(16)
        .max(1_000_000)
        .default(200_000)
        .describe(
          'Maximum size of the DNS map. Beyond it, neighbouring prefixes share one answer, chosen so that users are sent as little farther as possible. Knot needs about 0.7 MB per 1,000 prefixes and reads 200,000 in a second.',
        ),
      rampSeconds: z
        .int()
        .min(0)
        .max(3600)
        .default(30)
        .describe('Time over which a returning region gets its users back.'),
    })
    .prefault({}),
  failover: z
    .strictObject({
      suspectMs: z
        .int()
        .min(500)
        .max(60_000)
        .default(2000)
        .describe('How long a region must not answer a majority before it is declared unreachable.'),
      probeMs: z.int().min(100).max(10_000).default(500).describe('Interval between probes of a region.'),
      automatic: z
        .boolean()
        .default(true)
        .describe('false: agents only report; failover waits for Patroni’s TTL.'),
    })
    .prefault({}),
  slo: z
    .strictObject({
      latencyMs: z
        .number()
        .positive()
        .default(100)
        .describe('A request is fast when it takes at most this long.'),
      share: z.number().gt(0).max(1).default(0.95).describe('Share of requests that must be fast.'),
    })
    .prefault({}),
})

/** The topology as an operator writes it. input.ts has the same type for editors, with the descriptions. */
export type TopologyInput = z.input<typeof topologySchema>
/** The topology after validation, with all defaults filled in. */
export type Topology = z.output<typeof topologySchema>
export type Role = Topology['regions'][string]['role']
export type PortName = keyof Topology['ports']
