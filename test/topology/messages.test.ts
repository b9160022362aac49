import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dynamicConfig } from '../../src/engines/postgres/render.ts'
import { type Key, pathText, TopologyError } from '../../src/topology/problems.ts'
import { reservedParameters } from '../../src/topology/rules/parameters.ts'
import { topologySchema } from '../../src/topology/schema.ts'
import { contract, type Node } from '../../src/topology/walk.ts'
import { changed, problems } from './samples.ts'

test('the remedy for a misspelt key suggests the intended key', () => {
  for (const [written, meant] of [
    ['regoins', 'regions'],
    ['Cache', 'cache'],
    ['data-base', 'database'],
    ['steer', 'steering'],
  ] as const) {
    const [problem] = problems({ ...changed(), [written]: {} })
    assert.equal(problem?.path, written)
    assert.equal(problem?.remedy, `did you mean ${meant}?`)
  }
})

test('a key by the name that other tools have for it is recognized', () => {
  const found = problems(changed({ 'regions.us-east.location': { lat: 39.04, lng: -77.49 } }))
  const remedy = found.find(({ path }) => path.endsWith('.lng'))?.remedy
  assert.equal(remedy, 'did you mean lon?')
})

test('a pair of regions is recognized in another form', () => {
  for (const [written, remedy] of [
    ['us-east, us-west', 'name it "us-east us-west"'],
    ['us-east/us-west', 'name it "us-east us-west"'],
    ['nowhere', undefined],
  ] as const) {
    const [problem] = problems(changed({ 'network.rttMs': { [written]: 60 } }))
    const message = `expected two region names such as "us-east us-west", got "${written}"`
    assert.deepEqual([problem?.message, problem?.remedy], [message, remedy])
  }
})

test('the error for an unknown key without a similar one lists the known keys', () => {
  const [problem] = problems({ ...changed(), kubernetes: {} })
  assert.match(problem!.message, /expected one of name, domain, network/)
  assert.equal(problem!.remedy, 'remove it')
})

test('a key that nothing would act on is refused with the reason, and no other key is suggested', () => {
  const found = problems(changed({ 'ports.https': 8443 }))
  assert.deepEqual(
    found.map(({ path, message, remedy }) => [path, message, remedy]),
    [
      [
        'ports.https',
        'not supported: the edge has no TLS yet',
        'remove it; users reach the edge over HTTP, on ports.http',
      ],
    ],
  )
})

const wrong: [path: string, value: unknown, message: string, remedy?: string][] = [
  [
    'name',
    'My Shop',
    'expected a name of a-z, 0-9 and -, with at most 63 characters, got "My Shop"',
    'write "my-shop"',
  ],
  ['name', undefined, 'expected a string, got nothing', 'add name: "shop", the name of this world'],
  [
    'domain',
    'https://Shop.example.com/',
    'expected a domain name such as "shop.example.com", got "https://Shop.example.com/"',
    'write "shop.example.com"',
  ],
  [
    'domain',
    'localhost',
    'expected a domain name such as "shop.example.com", got "localhost"',
    'write a name with a dot, such as "shop.test": clients resolve localhost themselves and never ask the edge’s DNS',
  ],
  ['ports.http', 0, 'expected a whole number from 1 to 65535, got 0', 'the lowest value is 1'],
  ['ports.http', 1.5, 'expected a whole number from 1 to 65535, got 1.5', 'did you mean 2?'],
  ['ports.http', '8080', 'expected a whole number from 1 to 65535, got "8080"', 'write it without quotes'],
  ['slo.share', 2, 'expected a number above 0 and at most 1, got 2', 'the highest value is 1'],
  ['slo.share', 95, 'expected a number above 0 and at most 1, got 95', 'did you mean 0.95?'],
  ['slo.share', '95%', 'expected a number above 0 and at most 1, got "95%"', 'did you mean 0.95?'],
  [
    'regions.us-east.location.lat',
    139.7,
    'expected a number from -90 to 90, got 139.7',
    'check whether lat and lon are swapped',
  ],
  ['regions.us-east.location.lat', Number.NaN, 'expected a number from -90 to 90, got NaN'],
  [
    'regions.us-east.location',
    undefined,
    'expected a mapping, got nothing',
    'add location: { lat: 39.04, lon: -77.49 }, the location of the region in degrees',
  ],
  [
    'regions.us-east.role',
    'witnes',
    'expected one of full, edge, witness, got "witnes"',
    'did you mean witness?',
  ],
  [
    'regions.us-east.role',
    'primary',
    'expected one of full, edge, witness, got "primary"',
    'remove role: every full region can hold the primary; database.primary names the first one',
  ],
  [
    'database.durability',
    'sync',
    'expected one of region, strict, local, got "sync"',
    'write region, or strict to stop writes while there is no second region',
  ],
  [
    'database.name',
    'a-b',
    'expected a PostgreSQL name of a-z, 0-9 and _, without a digit at its start, got "a-b"',
    'write "a_b"',
  ],
  [
    'app.maxBody',
    '10',
    'expected a size such as "256mb" (units b, kb, mb, gb), got "10"',
    'write a number and a unit, such as "256mb"',
  ],
  [
    'regions.us-east.address',
    '10.0.0',
    'expected an IPv4 address such as "10.0.0.1", got "10.0.0"',
    'write the IPv4 address of the host, four numbers from 0 to 255; names are not resolved',
  ],
  [
    'regions.us-east.address',
    '999.1.1.1',
    'expected an IPv4 address such as "10.0.0.1", got "999.1.1.1"',
    'each of the four numbers is from 0 to 255',
  ],
  [
    'regions.us-east.address',
    'fd00::1',
    'expected an IPv4 address such as "10.0.0.1", got "fd00::1"',
    'write the IPv4 address of the host: regions have no IPv6',
  ],
  [
    'regions.us-east.address',
    '10.0.0.1/24',
    'expected an IPv4 address such as "10.0.0.1", got "10.0.0.1/24"',
    'write "10.0.0.1"',
  ],
  [
    'app.command',
    'node server.ts --x',
    'expected a list of strings with at least one item, got "node server.ts --x"',
    'write ["node","server.ts","--x"]',
  ],
  ['app.command', [], 'expected a list of strings with at least one item, got an empty list'],
  ['app.static', '/assets/*', 'expected a list of strings, got "/assets/*"', 'write ["/assets/*"]'],
  [
    'app.health',
    'healthz',
    'expected an absolute path, with at most one * as its last character, such as "/assets/*", got "healthz"',
    'write "/healthz"',
  ],
  [
    'app.maxBody',
    '10 megs',
    'expected a size such as "256mb" (units b, kb, mb, gb), got "10 megs"',
    'write a number and a unit, such as "256mb"',
  ],
  ['cache.maxMemory', 64, 'expected a string, got 64', 'write a number and a unit, such as "256mb"'],
  ['database', null, 'expected a mapping, got null', 'remove the key, or add values below it'],
  [
    'database.primary',
    '',
    'expected the name of a full region (us-east, us-west), got ""',
    'name a full region, or remove the key to use the first one',
  ],
  ['network.base', 127.77, 'expected a string, got 127.77', 'put it in quotes: network.base is a string'],
  [
    'network.base',
    '127.77.0.0/16',
    'expected the first two numbers of an IPv4 network, such as "127.77", got "127.77.0.0/16"',
    'write "127.77"',
  ],
  ['failover.automatic', 'yes', 'expected true or false, got "yes"', 'write true'],
  [
    'database.holdSeconds',
    '15s',
    'expected a whole number from 0 to 120, got "15s"',
    'did you mean 15? The number is in seconds',
  ],
  [
    'database.holdSeconds',
    15_000,
    'expected a whole number from 0 to 120, got 15000',
    'did you mean 15? The number is in seconds',
  ],
  [
    'failover.suspectMs',
    '2s',
    'expected a whole number from 500 to 60000, got "2s"',
    'did you mean 2000? The number is in milliseconds',
  ],
  [
    'failover.suspectMs',
    2,
    'expected a whole number from 500 to 60000, got 2',
    'did you mean 2000? The number is in milliseconds',
  ],
  ['app.timeoutSeconds', 0, 'expected a whole number from 1 to 3600, got 0', 'the lowest value is 1'],
  ['app.instances', 'two', 'expected a whole number from 1 to 64, got "two"', 'did you mean 2?'],
  [
    'app.instances',
    null,
    'expected a whole number from 1 to 64, got null',
    'remove the key to use its default, 2',
  ],
  [
    'regions.us-east.location.lon',
    '77.49W',
    'expected a number from -180 to 180, got "77.49W"',
    'did you mean -77.49? The number is in degrees',
  ],
  ['database.name', 5, 'expected a string, got 5', 'put it in quotes: "5"'],
  ['regions', [], 'expected a mapping, got an empty list'],
  ['app', () => 1, 'expected a mapping, got a function'],
]

for (const [path, value, message, remedy] of wrong)
  test(`${path} = ${typeof value === 'number' ? value : (JSON.stringify(value) ?? typeof value)} gives the expectation and a remedy`, () => {
    const found = problems(changed({ [path]: value }))
    assert.deepEqual(found, [{ path, message, ...(remedy === undefined ? {} : { remedy }) }])
  })

test('a path pattern that no browser requests gets the one that it sends', () => {
  const pattern =
    'expected an absolute path, with at most one * as its last character, such as "/assets/*", got '
  for (const [given, meant] of [
    ['/my files/*', '/my%20files/*'],
    ["/it's/*", '/it%27s/*'],
    ['/a/*/b', '/a/*'],
    ['/a/**', '/a/*'],
    ['assets/*', '/assets/*'],
    ['/a?v=1', '/a'],
  ] as const) {
    const message = `${pattern}${JSON.stringify(given)}`
    assert.deepEqual(problems(changed({ 'app.static': [given] })), [
      { path: 'app.static[0]', message, remedy: `write "${meant}"` },
    ])
  }
})

/** Every key of the schema with a value of its own; `*` stands for a name. */
function leaves(node: Node, at: Key[] = []): { at: Key[]; node: Node; isRequired: boolean }[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const here = [...at, key]
    if (key === 'regions') return leaves(child.additionalProperties as Node, [...here, 'us-east'])
    return child.properties
      ? leaves(child, here)
      : [{ at: here, node: child, isRequired: (node.required ?? []).includes(key) }]
  })
}

test('every key refuses a wrong type, unit or range with its path, and with a remedy where its schema tells one', () => {
  const keys = leaves(contract)
  assert.ok(keys.length > 40, String(keys.length))
  for (const { at, node } of keys) {
    const path = at.join('.')
    for (const value of [null, 'banana split', '15 parsecs', -1, 1e9, true, {}, [], [null]]) {
      const found = problems(changed({ [path]: value })).filter((one) => one.path.startsWith(path))
      for (const one of found) {
        assert.match(
          one.message,
          /^expected |^unknown key|^same location|^has no effect|^not supported|^\w+ is (reserved \(|set by Nearside)/,
          `${path} = ${JSON.stringify(value)}`,
        )
        const says =
          one.remedy !== undefined || node.enum !== undefined || node.type === 'object' || value !== null
        assert.ok(says, `${path} = ${JSON.stringify(value)} has no remedy: ${one.message}`)
      }
      if (value === null) assert.ok(found.length > 0, `${path} accepts null`)
    }
    if (node.type !== 'integer') continue
    const { minimum = 0, maximum = 0 } = node
    for (const [value, remedy] of [
      [minimum - 1, /^the lowest value is |^did you mean /],
      [maximum + 1, /^the highest value is |^did you mean /],
      [`${minimum}`, /without quotes/],
      ['many', /^remove the key/],
    ] as const)
      assert.match(problems(changed({ [path]: value }))[0]?.remedy ?? '', remedy, `${path} = ${value}`)
  }
})

test('a trusted proxy that is no address or network is named', () => {
  for (const bad of ['10.0.0.0/33', '10.0.0', 'proxy.example.com', '10.0.0.0/8/8', '']) {
    const [found, ...more] = problems(changed({ 'edge.trustedProxies': ['10.0.0.1', bad, 'fd00::/8'] }))
    assert.deepEqual(more, [])
    assert.equal(found?.path, 'edge.trustedProxies[1]')
    assert.match(found!.message, /^expected an address or a network such as "10\.1\.0\.0\/16", got /)
  }
})

test('the remedy for a write rule or method is its correct spelling', () => {
  const found = problems(changed({ 'app.writes': { safeMethods: ['get'], also: ['get: /logout'] } }))
  assert.deepEqual(
    found.map(({ path, remedy }) => [path, remedy]),
    [
      ['app.writes.safeMethods[0]', 'write "GET"'],
      ['app.writes.also[0]', 'write "GET /logout"'],
    ],
  )
})

test('the value of an environment variable is never shown: it may be a secret', () => {
  const found = problems(changed({ 'app.env': { TOKEN: 424242, PORT: 'hunter2', 'A-B': 'hunter2' } }))
  assert.equal(found.length, 3)
  assert.doesNotMatch(JSON.stringify(found), /424242|hunter2/)
  assert.ok(found.some(({ remedy }) => remedy === 'put it in quotes: environment values are strings'))
  assert.ok(found.some(({ remedy }) => remedy === 'name it A_B'))
})

test('schema problems and rule problems are reported together', () => {
  const paths = problems(
    changed({
      name: 'A B',
      'ports.agent': 3000,
      'app.env': { PORT: '1', X: 2 },
      'database.primary': 'nowhere',
    }),
  ).map(({ path }) => path)
  assert.deepEqual(paths.sort(), ['app.env.PORT', 'app.env.X', 'database.primary', 'name', 'ports.agent'])
})

test('each mistake is reported once: rules ignore values that the schema refused', () => {
  assert.deepEqual(
    problems(changed({ 'regions.us-central.role': 'witnes' })).map(({ path }) => path),
    ['regions.us-central.role'],
  )
  assert.deepEqual(
    problems(changed({ 'regions.us-central': { location: { lat: 1, lon: 1 }, rol: 'edge' } })).map(
      ({ path }) => path,
    ),
    ['regions.us-central.rol'],
  )
})

test('a region with an invalid name is still checked', () => {
  const input = changed({ 'regions.EU West': { location: { latitude: 1, lon: 2 }, role: 'ege' } })
  assert.deepEqual(
    problems(input).map(({ path, remedy }) => [path, remedy]),
    [
      ['regions["EU West"]', 'name it eu-west'],
      ['regions["EU West"].location.lat', 'add lat, the latitude in degrees, north positive'],
      ['regions["EU West"].location.latitude', 'did you mean lat?'],
      ['regions["EU West"].role', 'did you mean edge?'],
    ],
  )
})

test('a key named __proto__ is an unknown key like any other', () => {
  const input = JSON.parse(JSON.stringify(changed()).replace('{', '{"__proto__":{"x":1},'))
  assert.deepEqual(
    problems(input).map(({ path }) => path),
    ['__proto__'],
  )
})

test('operators cannot set any PostgreSQL parameter that Nearside sets, since it would have no effect', () => {
  const { parameters } = dynamicConfig({ topology: topologySchema.parse(changed()) }).postgresql
  assert.deepEqual(
    Object.keys(parameters).filter((name) => !(name in reservedParameters)),
    [],
  )
})

test('paths quote unusual keys', () => {
  assert.equal(pathText(['regions', 'us-east', 'static', 0]), 'regions.us-east.static[0]')
  assert.equal(pathText(['regions', 'a.b', '1']), 'regions["a.b"]["1"]')
  assert.equal(pathText([]), '')
})

test('the message of a topology error contains all problems and remedies', () => {
  const error = new TopologyError('topology_invalid', '/x/nearside.yaml', [
    { path: 'name', message: 'wrong', remedy: 'fix', line: 3, column: 1 },
    { path: '', message: 'bad' },
  ])
  assert.equal(
    error.message,
    '/x/nearside.yaml: 2 problems\n  name (line 3, column 1): wrong\n    fix\n  bad',
  )
  const one = new TopologyError('topology_invalid', '/x/nearside.yaml', [
    { path: 'name', message: 'wrong', remedy: 'fix' },
  ])
  assert.equal(one.message, '/x/nearside.yaml: name: wrong')
  assert.equal(one.remedy, 'fix')
})
