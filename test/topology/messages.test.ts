import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dynamicConfig } from '../../src/engines/postgres/render.ts'
import { pathText, TopologyError } from '../../src/topology/problems.ts'
import { reservedParameters } from '../../src/topology/rules/parameters.ts'
import { topologySchema } from '../../src/topology/schema.ts'
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
    'expected a DNS label: a-z, 0-9 and -, at most 63 characters, got "My Shop"',
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
    'write "localhost.example.com"',
  ],
  ['ports.http', 0, 'expected a whole number from 1 to 65535, got 0'],
  ['ports.http', 1.5, 'expected a whole number from 1 to 65535, got 1.5'],
  ['ports.http', '8080', 'expected a whole number from 1 to 65535, got "8080"', 'write it without quotes'],
  ['slo.share', 2, 'expected a number above 0 and at most 1, got 2'],
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
    'expected an object of keys and values, got nothing',
    'add location: { lat: 39.04, lon: -77.49 }, the location of the region in degrees',
  ],
  [
    'regions.us-east.role',
    'witnes',
    'expected one of full, edge, witness, got "witnes"',
    'did you mean witness?',
  ],
  ['regions.us-east.role', 'primary', 'expected one of full, edge, witness, got "primary"'],
  ['regions.us-east.address', '10.0.0', 'expected an IPv4 address such as "10.0.0.1", got "10.0.0"'],
  [
    'regions.us-east.address',
    '10.0.0.1/24',
    'expected an IPv4 address such as "10.0.0.1", got "10.0.0.1/24"',
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
  [
    'database',
    null,
    'expected an object of keys and values, got null',
    'remove the key, or add values below it',
  ],
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
  ['failover.automatic', 'yes', 'expected true or false, got "yes"'],
  ['regions', [], 'expected an object of keys and values, got an empty list'],
  ['app', () => 1, 'expected an object of keys and values, got a function'],
]

for (const [path, value, message, remedy] of wrong)
  test(`${path} = ${typeof value === 'number' ? value : (JSON.stringify(value) ?? typeof value)} gives the expectation and a remedy`, () => {
    const found = problems(changed({ [path]: value }))
    assert.deepEqual(found, [{ path, message, ...(remedy === undefined ? {} : { remedy }) }])
  })

test('the remedy for a write rule or method is its correct spelling', () => {
  const found = problems(changed({ 'app.writes': { methods: ['post'], also: ['get: /logout'] } }))
  assert.deepEqual(
    found.map(({ path, remedy }) => [path, remedy]),
    [
      ['app.writes.methods[0]', 'write "POST"'],
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
