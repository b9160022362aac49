import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed, problems, regions, warnings } from './samples.ts'

/** A change of the sample, the path of the finding, its message and its remedy. */
type Case = [rule: string, change: Record<string, unknown>, path: string, message: RegExp, remedy?: RegExp]

const full3 = regions({ a: 'full', b: 'full', c: 'witness' })

const hosts = {
  'regions.us-east.address': '10.0.0.1',
  'regions.us-west.address': '10.0.0.2',
  'regions.us-central.address': '10.0.0.3',
}

const refused: Case[] = [
  [
    'a single voting region is not enough',
    { regions: regions({ a: 'full' }), database: { durability: 'local' } },
    'regions',
    /at least 3 voting regions, got 1 voting region \(a\)/,
    /second full region and a third/,
  ],
  [
    'a full region and an edge region have one vote',
    { regions: regions({ a: 'full', b: 'edge' }), database: { durability: 'local' } },
    'regions',
    /got 1 voting region/,
    /second full region/,
  ],
  [
    'with two voting regions, the loss of one loses the majority',
    { regions: regions({ a: 'full', b: 'full' }) },
    'regions',
    /the other has no majority/,
    /third region with role "witness"/,
  ],
  [
    'four voting regions can be split in half',
    { regions: regions({ a: 'full', b: 'full', c: 'full', d: 'full' }) },
    'regions',
    /odd number of voting regions, got 4/,
    /witness/,
  ],
  [
    'a network has no host bits: one address may have been meant',
    { 'edge.trustedProxies': ['10.0.0.1', 'fd00::1/8', '10.0.0.0/8'] },
    'edge.trustedProxies[1]',
    /expected a network or an address, got "fd00::1\/8"/,
    /write "fd00::\/8" for the network, or "fd00::1" for the address/,
  ],
  [
    'everyone with host bits is not meant either',
    { 'edge.trustedProxies': ['10.0.0.1/0'] },
    'edge.trustedProxies[0]',
    /address within a network/,
    /0\.0\.0\.0\/0/,
  ],
  ['a world needs regions', { regions: {} }, 'regions', /at least 3 voting regions, got none/],
  [
    'a world needs a full region to run the app',
    { regions: regions({ a: 'witness', b: 'witness', c: 'witness' }), database: { durability: 'local' } },
    'regions',
    /at least one region with role "full"/,
  ],
  [
    'a region name is not a whole number, since JavaScript reorders such keys',
    { regions: { ...full3, 7: { location: { lat: 9, lon: 9 }, role: 'edge' } } },
    'regions["7"]',
    /not a whole number/,
    /region-7/,
  ],
  [
    'the primary is in a region of the topology',
    { 'database.primary': 'us-eats' },
    'database.primary',
    /full region \(us-east, us-west\), got "us-eats"/,
    /did you mean us-east\?/,
  ],
  [
    'the primary’s region is not an inherited property of objects',
    { 'database.primary': 'constructor' },
    'database.primary',
    /got "constructor"/,
  ],
  [
    'the primary is in a full region',
    { 'database.primary': 'us-central' },
    'database.primary',
    /us-central, whose role is witness/,
  ],
  [
    'durability "region" needs two full regions',
    { regions: regions({ a: 'full', b: 'witness', c: 'witness' }) },
    'database.durability',
    /at least 2 full regions, got 1 full region \(a\)/,
    /durability: "local"/,
  ],
  [
    'durability "strict" needs two full regions',
    { regions: regions({ a: 'full', b: 'witness', c: 'witness' }), 'database.durability': 'strict' },
    'database.durability',
    /"strict" stores every write/,
  ],
  [
    'two regions cannot share an address',
    {
      'regions.us-east.address': '10.0.0.1',
      'regions.us-west.address': '10.0.0.1',
      'regions.us-central.address': '10.0.0.3',
    },
    'regions.us-west.address',
    /also the address of us-east/,
  ],
  [
    'an explicit address may collide with the default address of another region',
    { 'regions.us-east.address': '127.77.2.1' },
    'regions.us-east.address',
    /us-west \(from its position in the file\)/,
  ],
  [
    'regions on separate hosts cannot reach loopback addresses',
    { 'regions.us-east.address': '10.0.0.1' },
    'regions',
    /us-east is at 10\.0\.0\.1 and cannot reach us-west at 127\.77\.2\.1/,
  ],
  [
    '0.0.0.0 is not a host address',
    { ...hosts, 'regions.us-east.address': '0.0.0.0' },
    'regions.us-east.address',
    /not an address/,
  ],
  [
    'a multicast address is not a host address',
    { ...hosts, 'regions.us-east.address': '224.0.0.1' },
    'regions.us-east.address',
    /multicast/,
  ],
  [
    'a measured round trip is between regions of the topology',
    { 'network.rttMs': { 'us-east us-wets': 62 } },
    'network.rttMs["us-east us-wets"]',
    /got "us-wets"/,
    /did you mean us-west\?/,
  ],
  [
    'a region has no round trip to itself',
    { 'network.rttMs': { 'us-east us-east': 1 } },
    'network.rttMs["us-east us-east"]',
    /us-east twice/,
  ],
  [
    'a round trip is listed once for both directions',
    { 'network.rttMs': { 'us-east us-west': 62, 'us-west us-east': 63 } },
    'network.rttMs["us-west us-east"]',
    /each pair of regions once/,
  ],
  ['the numbers of network.base are octets', { 'network.base': '127.256' }, 'network.base', /0 to 255/],
  [
    'the numbers of network.base have no leading zeros',
    { 'network.base': '127.077' },
    'network.base',
    /leading zeros/,
  ],
  ['network.base is not a public network', { 'network.base': '8.8' }, 'network.base', /loopback or private/],
  [
    'two engines cannot share a port',
    { 'ports.redis': 5432 },
    'ports.redis',
    /5432, which is also ports\.postgres/,
  ],
  [
    'an engine cannot use the port of an app instance',
    { 'ports.agent': 3001 },
    'ports.agent',
    /3000 to 3003/,
  ],
  ['the app ports of all full regions are reserved', { 'ports.agent': 3003 }, 'ports.agent', /3000 to 3003/],
  ['app ports end at 65535', { 'ports.app': 65_534 }, 'ports.app', /65534 to 65537/],
  ['an IP address is not a domain', { domain: '10.0.0.1' }, 'domain', /last label cannot be a number/],
  [
    'static patterns are not repeated',
    { 'app.static': ['/a/*', '/b/*', '/a/*'] },
    'app.static[2]',
    /"\/a\/\*" twice/,
  ],
  [
    'static patterns are written as browsers send them',
    { 'app.static': ['/bücher/*'] },
    'app.static[0]',
    /percent-encoded/,
    /\/b%C3%BCcher\/\*/,
  ],
  ['browsers resolve .. themselves', { 'app.static': ['/a/../b'] }, 'app.static[0]', /resolve \. and \.\./],
  ['the health path is a single path', { 'app.health': '/health/*' }, 'app.health', /one path/],
  [
    'methods that write are no longer listed',
    { 'app.writes': { methods: ['POST'] } },
    'app.writes.methods',
    /every method writes that is not in app\.writes\.safeMethods/,
    /app\.writes\.except/,
  ],
  [
    'a misspelt method is refused',
    { 'app.writes': { also: ['GTE /logout'] } },
    'app.writes.also[0]',
    /"GTE"/,
    /did you mean GET\?/,
  ],
  [
    'a rule cannot be in both also and except',
    { 'app.writes': { also: ['GET /a'], except: ['GET /a'] } },
    'app.writes.except[0]',
    /cannot be both a write and not a write/,
  ],
  [
    'rules are not repeated',
    { 'app.writes': { except: ['POST /a', 'POST /a'] } },
    'app.writes.except[1]',
    /twice/,
  ],
  [
    'a path that writes is not static',
    { 'app.static': ['/a/*'], 'app.writes': { also: ['GET /a/b'] } },
    'app.writes.also[0]',
    /would answer it from a cache/,
  ],
  [
    'PORT is reserved',
    { 'app.env': { PORT: '80' } },
    'app.env.PORT',
    /is set by Nearside and cannot be overridden/,
  ],
  [
    'NEARSIDE_ variables are reserved',
    { 'app.env': { NEARSIDE_X: '1' } },
    'app.env.NEARSIDE_X',
    /is set by Nearside and cannot be overridden/,
  ],
  [
    'DATABASE_URL is reserved in the env of a region',
    { 'regions.us-east.env': { DATABASE_URL: 'x' } },
    'regions.us-east.env.DATABASE_URL',
    /is set by Nearside and cannot be overridden/,
  ],
  [
    'a command does not start with a variable',
    { 'app.command': ['NODE_ENV=production', 'node', 'x'] },
    'app.command[0]',
    /got a variable \(NODE_ENV=…\)/,
    /app\.env/,
  ],
  ['arguments contain no NUL', { 'app.command': ['node', 'a\0b'] }, 'app.command[1]', /NUL/],
  [
    'synchronous_commit is set by database.durability',
    { 'database.parameters': { synchronous_commit: 'off' } },
    'database.parameters.synchronous_commit',
    /database\.durability sets it/,
    /remove synchronous_commit/,
  ],
  [
    'fsync stays on',
    { 'database.parameters': { fsync: false } },
    'database.parameters.fsync',
    /lose acknowledged writes/,
  ],
  [
    'recovery targets are set by Patroni',
    { 'database.parameters': { recovery_target_lsn: '0/0' } },
    'database.parameters.recovery_target_lsn',
    /Patroni/,
  ],
  [
    'statement_timeout would report cancelled waits as committed',
    { 'database.parameters': { statement_timeout: '5s' } },
    'database.parameters.statement_timeout',
    /reported as committed/,
  ],
  [
    'parameters stay on one line',
    { 'database.parameters': { work_mem: "1MB'\nfsync = off" } },
    'database.parameters.work_mem',
    /on one line/,
  ],
  [
    'the app’s database name is not reserved by PostgreSQL',
    { 'database.name': 'postgres' },
    'database.name',
    /PostgreSQL or Nearside reserves/,
  ],
  [
    'the app’s role name is not reserved by PostgreSQL',
    { 'database.name': 'pg_app' },
    'database.name',
    /PostgreSQL or Nearside reserves/,
  ],
  [
    'a cache needs at least 1 MB',
    { 'cache.maxMemory': '1kb' },
    'cache.maxMemory',
    /at least "1mb", got "1kb"/,
  ],
  ['a CDN cache needs at least 1 MB', { 'cdn.maxMemory': '0b' }, 'cdn.maxMemory', /at least "1mb"/],
  ['a body may have at least one byte', { 'app.maxBody': '0b' }, 'app.maxBody', /every request with a body/],
  [
    'one lost probe must not make a region unreachable',
    { failover: { suspectMs: 900, probeMs: 500 } },
    'failover.suspectMs',
    /at least two probe intervals \(1000 ms\), got 900/,
  ],
  ['GeoIP files are not repeated', { 'steering.geoip': ['a.mmdb', 'a.mmdb'] }, 'steering.geoip[1]', /twice/],
  [
    'an npm entry names a package and a file in it',
    { 'steering.geoip': ['npm:geolite'] },
    'steering.geoip[0]',
    /"npm:<package>\/<file>"/,
  ],
]

for (const [rule, change, path, message, remedy] of refused)
  test(rule, () => {
    const found = problems(changed(change))
    assert.deepEqual(
      found.map((problem) => problem.path),
      [path],
      JSON.stringify(found),
    )
    assert.match(found[0]!.message, message)
    if (remedy) assert.match(found[0]!.remedy ?? '', remedy)
  })

const warned: Case[] = [
  [
    'two regions at the same location',
    { 'regions.us-west.location': { lat: 39.04, lon: -77.49 } },
    'regions.us-west.location',
    /same location as us-east/,
  ],
  [
    'strict durability with two full regions stops writes when either is lost',
    { 'database.durability': 'strict' },
    'database.durability',
    /loss of either/,
  ],
  [
    'a single full region holds the only copy',
    { regions: regions({ a: 'full', b: 'witness', c: 'witness' }), 'database.durability': 'local' },
    'regions',
    /so are the app and its data/,
  ],
  [
    'nine voting regions are slow',
    { regions: regions(Object.fromEntries([...'abcdefghi'].map((name) => [name, 'full']))) },
    'regions',
    /9 voting regions/,
  ],
  [
    'without a GeoIP database everyone is sent to one region',
    { steering: undefined },
    'steering.geoip',
    /the same region/,
  ],
  [
    'a variable is not expanded without a shell',
    { 'app.command': ['gunicorn', '--bind', '0.0.0.0:$PORT'] },
    'app.command[2]',
    /no shell/,
    /"sh", "-c"/,
  ],
  ['everything through the CDN', { 'app.static': ['/*'] }, 'app.static[0]', /signed-in users/],
  ['a pattern inside another', { 'app.static': ['/a/*', '/a/b/*'] }, 'app.static[1]', /already covers it/],
  [
    'a missing safe method',
    { 'app.writes': { safeMethods: ['GET'] } },
    'app.writes.safeMethods',
    /HEAD, OPTIONS are missing: every such request would go to the primary/,
  ],
  [
    'a method that writes among the safe ones',
    { 'app.writes': { safeMethods: ['GET', 'HEAD', 'OPTIONS', 'POST'] } },
    'app.writes.safeMethods[3]',
    /read-only replica/,
    /app\.writes\.except/,
  ],
  [
    'a trusted network with everyone in it',
    { 'edge.trustedProxies': ['0.0.0.0/0'] },
    'edge.trustedProxies[0]',
    /every client/,
  ],
  [
    'a trusted network with half of everyone in it',
    { 'edge.trustedProxies': ['128.0.0.0/1'] },
    'edge.trustedProxies[0]',
    /a large part of all clients/,
  ],
  ['a redundant rule', { 'app.writes': { also: ['POST /x'] } }, 'app.writes.also[0]', /no effect/],
  [
    'an exception without a rule',
    { 'app.writes': { except: ['GET /x'] } },
    'app.writes.except[0]',
    /no effect/,
  ],
  [
    'writes are held for less than the duration of a failover',
    { 'database.holdSeconds': 2 },
    'database.holdSeconds',
    /those at the start of an outage will fail/,
  ],
  [
    'without automatic failover Patroni’s TTL counts',
    { 'failover.automatic': false },
    'database.holdSeconds',
    /about 25 s/,
  ],
  [
    'writes are held for longer than app.timeoutSeconds',
    { 'app.timeoutSeconds': 10 },
    'database.holdSeconds',
    /app\.timeoutSeconds/,
  ],
  [
    'env in a region that runs no app',
    { 'regions.us-central.env': { A: '1' } },
    'regions.us-central.env',
    /no app runs/,
  ],
  [
    'a limit for pages that are not cached',
    { cdn: { pages: false, pagesMaxSeconds: 5 } },
    'cdn.pagesMaxSeconds',
    /no effect: cdn\.pages is false/,
    /remove one/,
  ],
  ['a port in the ephemeral range', { 'ports.agent': 40_000 }, 'ports.agent', /ephemeral port range/],
  [
    'app ports that reach the next world',
    { 'network.base': '127.78', 'app.instances': 64 },
    'ports.app',
    /next network\.base/,
  ],
]

for (const [rule, change, path, message, remedy] of warned)
  test(`warning: ${rule}`, () => {
    assert.deepEqual(problems(changed(change)), [])
    const found = warnings(changed(change))
    assert.deepEqual(
      found.map((problem) => problem.path),
      [path],
      JSON.stringify(found),
    )
    assert.match(found[0]!.message, message)
    if (remedy) assert.match(found[0]!.remedy ?? '', remedy)
  })

const accepted: [rule: string, change: Record<string, unknown>][] = [
  ['the sample', {}],
  ['three full regions', { regions: regions({ a: 'full', b: 'full', c: 'full' }) }],
  [
    'edge regions in addition to voting regions',
    { regions: regions({ a: 'full', b: 'full', c: 'witness', d: 'edge', e: 'edge' }) },
  ],
  [
    'an address for every region',
    {
      'regions.us-east.address': '10.0.0.1',
      'regions.us-west.address': '10.0.0.2',
      'regions.us-central.address': '10.0.0.3',
    },
  ],
  ['another loopback network', { 'network.base': '127.78' }],
  ['a lab network', { 'network.base': '10.77' }],
  ['measured round trips', { 'network.rttMs': { 'us-east us-west': 62.5 } }],
  [
    'write rules that depend on the method',
    { 'app.writes': { also: ['GET /logout'], except: ['POST /search'] } },
  ],
  [
    'a shell command with variables',
    { 'app.command': ['sh', '-c', 'exec gunicorn --bind "0.0.0.0:$PORT" && true'] },
  ],
  [
    'ordinary PostgreSQL parameters',
    { 'database.parameters': { work_mem: '8MB', random_page_cost: 1.1, jit: false } },
  ],
  ['no cached pages', { cdn: { pages: false } }],
  ['pages that are cached for an hour', { cdn: { pagesMaxSeconds: 3600 } }],
  ['statement_timeout off', { 'database.parameters': { statement_timeout: 0 } }],
]

for (const [rule, change] of accepted)
  test(`accepted: ${rule}`, () => {
    assert.deepEqual(problems(changed(change)), [])
    assert.deepEqual(warnings(changed(change)), [])
  })

test('a rule that makes every page a write is warned of, as a missing safe method is', () => {
  const found = warnings(changed({ 'app.writes.also': ['GET /*'] }))
  assert.match(found.map(({ message }) => message).join(), /"GET \/\*" matches every page/)
})
