import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed, problems, regions, warnings } from './samples.ts'

/** A change of the sample, the path that is blamed, and words of the message and the remedy. */
type Case = [rule: string, change: Record<string, unknown>, path: string, message: RegExp, remedy?: RegExp]

const full3 = regions({ a: 'full', b: 'full', c: 'witness' })

const hosts = {
  'regions.us-east.address': '10.0.0.1',
  'regions.us-west.address': '10.0.0.2',
  'regions.us-central.address': '10.0.0.3',
}

const refused: Case[] = [
  [
    'one voting region cannot lose any',
    { regions: regions({ a: 'full' }), database: { durability: 'local' } },
    'regions',
    /at least 3 voting regions, got 1 voting region \(a\)/,
    /second full region and a third/,
  ],
  [
    'a full region and an edge are one vote',
    { regions: regions({ a: 'full', b: 'edge' }), database: { durability: 'local' } },
    'regions',
    /got 1 voting region/,
    /second full region/,
  ],
  [
    'two voting regions cannot outvote each other',
    { regions: regions({ a: 'full', b: 'full' }) },
    'regions',
    /cannot outvote each other/,
    /third region with role "witness"/,
  ],
  [
    'four voting regions can be cut in halves',
    { regions: regions({ a: 'full', b: 'full', c: 'full', d: 'full' }) },
    'regions',
    /odd number of voting regions, got 4/,
    /witness/,
  ],
  ['no regions are no world', { regions: {} }, 'regions', /at least 3 voting regions, got none/],
  [
    'a world of witnesses has no app',
    { regions: regions({ a: 'witness', b: 'witness', c: 'witness' }), database: { durability: 'local' } },
    'regions',
    /at least one region with role "full"/,
  ],
  [
    'the order of names that are whole numbers is lost',
    { regions: { ...full3, 7: { location: { lat: 9, lon: 9 }, role: 'edge' } } },
    'regions["7"]',
    /not a whole number/,
    /region-7/,
  ],
  [
    'the primary is a region',
    { 'database.primary': 'us-eats' },
    'database.primary',
    /full region \(us-east, us-west\), got "us-eats"/,
    /did you mean us-east\?/,
  ],
  [
    'the primary is a region of its own, not a property of objects',
    { 'database.primary': 'constructor' },
    'database.primary',
    /got "constructor"/,
  ],
  [
    'the primary is a full region',
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
    /"strict" keeps every write/,
  ],
  [
    'two regions cannot have one address',
    {
      'regions.us-east.address': '10.0.0.1',
      'regions.us-west.address': '10.0.0.1',
      'regions.us-central.address': '10.0.0.3',
    },
    'regions.us-west.address',
    /also the address of us-east/,
  ],
  [
    'an address may be taken by the order of another region',
    { 'regions.us-east.address': '127.77.2.1' },
    'regions.us-east.address',
    /us-west \(by its place in the order\)/,
  ],
  [
    'regions on hosts cannot reach loopback addresses',
    { 'regions.us-east.address': '10.0.0.1' },
    'regions',
    /us-east is at 10\.0\.0\.1 and cannot reach us-west at 127\.77\.2\.1/,
  ],
  [
    '0.0.0.0 is no address of a host',
    { ...hosts, 'regions.us-east.address': '0.0.0.0' },
    'regions.us-east.address',
    /not an address/,
  ],
  [
    'a multicast address is no address of a host',
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
    'a round trip is told once for both directions',
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
  [
    'network.base is not somebody else’s network',
    { 'network.base': '8.8' },
    'network.base',
    /loopback or private/,
  ],
  [
    'two engines cannot have one port',
    { 'ports.redis': 5432 },
    'ports.redis',
    /5432, which is also ports\.postgres/,
  ],
  ['an engine cannot have a port of an app instance', { 'ports.agent': 3001 }, 'ports.agent', /3000 to 3003/],
  ['app ports of all full regions count', { 'ports.agent': 3003 }, 'ports.agent', /3000 to 3003/],
  ['app ports end at 65535', { 'ports.app': 65_534 }, 'ports.app', /65534 to 65537/],
  ['an IP address is no domain', { domain: '10.0.0.1' }, 'domain', /last part cannot be a number/],
  [
    'static patterns stand once',
    { 'app.static': ['/a/*', '/b/*', '/a/*'] },
    'app.static[2]',
    /"\/a\/\*" again/,
  ],
  [
    'static patterns are written as browsers send them',
    { 'app.static': ['/bücher/*'] },
    'app.static[0]',
    /percent-encoded/,
    /\/b%C3%BCcher\/\*/,
  ],
  ['browsers resolve .. themselves', { 'app.static': ['/a/../b'] }, 'app.static[0]', /resolve \. and \.\./],
  ['the health path is one path', { 'app.health': '/health/*' }, 'app.health', /one path/],
  [
    'a safe method is not a write',
    { 'app.writes': { methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] } },
    'app.writes.methods[0]',
    /every page would be fetched/,
    /app\.writes\.also/,
  ],
  [
    'a misspelt method is noticed',
    { 'app.writes': { also: ['GTE /logout'] } },
    'app.writes.also[0]',
    /"GTE"/,
    /did you mean GET\?/,
  ],
  [
    'a rule cannot be write and no write',
    { 'app.writes': { also: ['GET /a'], except: ['GET /a'] } },
    'app.writes.except[0]',
    /cannot write and not write/,
  ],
  ['rules stand once', { 'app.writes': { except: ['POST /a', 'POST /a'] } }, 'app.writes.except[1]', /again/],
  [
    'a path that writes is not static',
    { 'app.static': ['/a/*'], 'app.writes': { also: ['GET /a/b'] } },
    'app.writes.also[0]',
    /would answer it from a cache/,
  ],
  ['PORT is given, not set', { 'app.env': { PORT: '80' } }, 'app.env.PORT', /Nearside sets this one/],
  [
    'NEARSIDE_ variables are given, not set',
    { 'app.env': { NEARSIDE_X: '1' } },
    'app.env.NEARSIDE_X',
    /Nearside sets this one/,
  ],
  [
    'DATABASE_URL is given in every region',
    { 'regions.us-east.env': { DATABASE_URL: 'x' } },
    'regions.us-east.env.DATABASE_URL',
    /Nearside sets this one/,
  ],
  [
    'a variable is no program',
    { 'app.command': ['NODE_ENV=production', 'node', 'x'] },
    'app.command[0]',
    /got a variable \(NODE_ENV=…\)/,
    /app\.env/,
  ],
  ['arguments end at NUL', { 'app.command': ['node', 'a\0b'] }, 'app.command[1]', /NUL/],
  [
    'synchronous_commit belongs to durability',
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
    'recovery targets are Patroni’s',
    { 'database.parameters': { recovery_target_lsn: '0/0' } },
    'database.parameters.recovery_target_lsn',
    /Patroni/,
  ],
  [
    'a statement timeout would report cancelled waits as committed',
    { 'database.parameters': { statement_timeout: '5s' } },
    'database.parameters.statement_timeout',
    /reported as committed/,
  ],
  [
    'parameters cannot break out of their line',
    { 'database.parameters': { work_mem: "1MB'\nfsync = off" } },
    'database.parameters.work_mem',
    /on one line/,
  ],
  [
    'the app’s database is not PostgreSQL’s own',
    { 'database.name': 'postgres' },
    'database.name',
    /uses itself/,
  ],
  [
    'the app’s role is not one of PostgreSQL’s',
    { 'database.name': 'pg_app' },
    'database.name',
    /uses itself/,
  ],
  [
    'a cache of no bytes is none',
    { 'cache.maxMemory': '1kb' },
    'cache.maxMemory',
    /at least "1mb", got "1kb"/,
  ],
  ['a CDN of no bytes is none', { 'cdn.maxMemory': '0' }, 'cdn.maxMemory', /at least "1mb"/],
  ['a body of no bytes is none', { 'app.maxBody': '0' }, 'app.maxBody', /every request with a body/],
  [
    'one lost probe is no lost region',
    { failover: { suspectMs: 900, probeMs: 500 } },
    'failover.suspectMs',
    /at least two probes \(1000 ms\), got 900/,
  ],
  ['files of places stand once', { 'steering.geoip': ['a.mmdb', 'a.mmdb'] }, 'steering.geoip[1]', /again/],
  [
    'a package and a file in it',
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
    'two regions at one place',
    { 'regions.us-west.location': { lat: 39.04, lon: -77.49 } },
    'regions.us-west.location',
    /the same place as us-east/,
  ],
  [
    'strict with two full regions stops with either',
    { 'database.durability': 'strict' },
    'database.durability',
    /losing either/,
  ],
  [
    'one full region is the only copy',
    { regions: regions({ a: 'full', b: 'witness', c: 'witness' }), 'database.durability': 'local' },
    'regions',
    /gone/,
  ],
  [
    'nine voters are slow',
    { regions: regions(Object.fromEntries([...'abcdefghi'].map((name) => [name, 'full']))) },
    'regions',
    /9 voting regions/,
  ],
  [
    'without places everybody goes to one region',
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
  ['a pattern inside another', { 'app.static': ['/a/*', '/a/b/*'] }, 'app.static[1]', /covers it already/],
  [
    'unsafe methods that are left out',
    { 'app.writes': { methods: ['POST'] } },
    'app.writes.methods',
    /PUT, PATCH, DELETE are left out/,
  ],
  [
    'a rule that says what is so anyway',
    { 'app.writes': { also: ['POST /x'] } },
    'app.writes.also[0]',
    /no effect/,
  ],
  [
    'an exception from nothing',
    { 'app.writes': { except: ['GET /x'] } },
    'app.writes.except[0]',
    /no effect/,
  ],
  [
    'writes are held for less than a failover takes',
    { 'database.holdSeconds': 2 },
    'database.holdSeconds',
    /the later part of them will fail/,
  ],
  [
    'without automatic failover ttl counts',
    { 'failover.automatic': false },
    'database.holdSeconds',
    /about 25 s/,
  ],
  [
    'writes are held for longer than a response may take',
    { 'app.timeoutSeconds': 10 },
    'database.holdSeconds',
    /app\.timeoutSeconds/,
  ],
  [
    'environment where no app runs',
    { 'regions.us-central.env': { A: '1' } },
    'regions.us-central.env',
    /no app runs/,
  ],
  ['a port that the kernel gives away', { 'ports.agent': 40_000 }, 'ports.agent', /outgoing connections/],
  [
    'app ports that reach the next world',
    { 'network.base': '127.78', 'app.instances': 64 },
    'ports.app',
    /next network\.base/,
  ],
]

for (const [rule, change, path, message, remedy] of warned)
  test(`warned of: ${rule}`, () => {
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
    'edges beside the voters',
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
    'the same path read and written by method',
    { 'app.writes': { also: ['GET /logout'], except: ['POST /search'] } },
  ],
  ['variables for a shell', { 'app.command': ['sh', '-c', 'exec gunicorn --bind "0.0.0.0:$PORT" && true'] }],
  [
    'ordinary PostgreSQL parameters',
    { 'database.parameters': { work_mem: '8MB', random_page_cost: 1.1, jit: false } },
  ],
  ['a statement timeout of none', { 'database.parameters': { statement_timeout: 0 } }],
]

for (const [rule, change] of accepted)
  test(`accepted: ${rule}`, () => {
    assert.deepEqual(problems(changed(change)), [])
    assert.deepEqual(warnings(changed(change)), [])
  })
