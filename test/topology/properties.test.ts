import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { validate } from '../../src/topology/checks.ts'
import { loadTopology } from '../../src/topology/load.ts'
import { TopologyError, toProblem } from '../../src/topology/problems.ts'
import { revision } from '../../src/topology/revision.ts'
import { type TopologyInput, topologySchema } from '../../src/topology/schema.ts'
import { changed, folder, sample } from './samples.ts'

// fast-check prints the seed of a failure and the path to its smallest case. Put both here to reproduce it.
const runs = { numRuns: 400 }
const anywhere = { files: false }

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/)
// JSON and YAML cannot represent negative zero.
const degrees = (max: number) => fc.double({ min: -max, max, noNaN: true }).map((value) => value + 0)
const location = fc.record({
  lat: degrees(90),
  lon: degrees(180),
})
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => !value.includes('\0'))
const env = fc.dictionary(
  fc.stringMatching(/^[A-Z][A-Z0-9_]{1,9}$/).map((name) => `X_${name}`),
  text,
  { maxKeys: 4 },
)

/** Valid topologies: any valid set of regions, and a selection of the optional keys. */
const right: fc.Arbitrary<TopologyInput> = fc
  .record({
    names: fc.uniqueArray(label, { minLength: 3, maxLength: 8 }),
    locations: fc.array(location, { minLength: 8, maxLength: 8 }),
    witness: fc.boolean(),
    rest: fc.record(
      {
        name: label,
        env,
        instances: fc.integer({ min: 1, max: 8 }),
        static: fc.uniqueArray(fc.stringMatching(/^\/[a-z0-9_]{1,8}(\/\*)?$/), { maxLength: 4 }),
        ttlSeconds: fc.integer({ min: 1, max: 3600 }),
        share: fc.double({ min: 0.01, max: 1, noNaN: true }),
        durability: fc.constantFrom('region' as const, 'strict' as const, 'local' as const),
      },
      { requiredKeys: ['name', 'env', 'static'] },
    ),
  })
  .map(({ names, locations, witness, rest }) => ({
    name: rest.name,
    domain: `${rest.name}.example.com`,
    regions: Object.fromEntries(
      names.map((name, i) => [
        name,
        {
          location: locations[i]!,
          ...(i === 2 && witness ? { role: 'witness' as const } : i > 2 ? { role: 'edge' as const } : {}),
        },
      ]),
    ),
    app: {
      command: ['node', 'server.ts'],
      env: rest.env,
      static: rest.static,
      ...(rest.instances ? { instances: rest.instances } : {}),
    },
    ...(rest.durability ? { database: { durability: rest.durability } } : {}),
    ...(rest.ttlSeconds ? { steering: { ttlSeconds: rest.ttlSeconds } } : {}),
    ...(rest.share ? { slo: { share: rest.share } } : {}),
  }))

test('a valid topology is accepted', () => {
  fc.assert(
    fc.property(right, (input) => {
      assert.deepEqual(validate(input).problems, [])
    }),
    runs,
  )
})

test('a topology loads the same from YAML, JSON in YAML and TypeScript', async (t) => {
  const at = folder(t)
  await fc.assert(
    fc.asyncProperty(right, async (input) => {
      const files = {
        'a.yaml': stringify(input),
        'b.yaml': JSON.stringify(input),
        'c.ts': `export default ${JSON.stringify(input)}`,
      }
      const expected = topologySchema.parse(input)
      for (const [name, content] of Object.entries(files)) {
        writeFileSync(join(at, name), content)
        const { topology } = await loadTopology(join(at, name), anywhere)
        assert.deepEqual(topology, expected)
        assert.equal(revision(topology), revision(expected))
        assert.deepEqual(Object.keys(topology.regions), Object.keys(expected.regions))
      }
    }),
    { numRuns: 60 },
  )
})

/** Every path of a value, longest last. */
function paths(value: unknown, at: string[] = []): string[][] {
  if (value === null || typeof value !== 'object') return [at]
  return [at, ...Object.entries(value).flatMap(([key, inner]) => paths(inner, [...at, key]))]
}

const anything = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withTypedArray: true,
    withSparseArray: true,
    maxDepth: 3,
  }),
  fc.constantFrom(
    '',
    0,
    -1,
    1.5,
    Number.NaN,
    '127.0.0.1',
    'us-east',
    'full',
    '/*',
    [],
    {},
    () => 1,
    Symbol('x'),
    null,
    undefined,
  ),
)

const mutation = fc.record({
  where: fc.nat(),
  key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '1', 'toString')),
  value: anything,
  how: fc.constantFrom('replace', 'remove', 'add'),
})

function mutate(
  input: unknown,
  { where, key, value, how }: { where: number; key: string; value: unknown; how: string },
): unknown {
  const all = paths(input)
  const at = all[where % all.length]!
  if (at.length === 0) return how === 'replace' ? value : input
  const parent = at
    .slice(0, -1)
    .reduce<Record<string, unknown>>(
      (object, name) => object[name] as Record<string, unknown>,
      input as Record<string, unknown>,
    )
  if (ArrayBuffer.isView(parent)) return input
  if (how === 'remove') Reflect.deleteProperty(parent, at.at(-1)!)
  else
    Reflect.defineProperty(parent, how === 'add' && !Array.isArray(parent) ? key : at.at(-1)!, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  return input
}

const rich = changed({
  'app.env': { LEVEL: 'info' },
  'app.static': ['/assets/*'],
  'app.writes': { also: ['GET /logout'] },
  database: { primary: 'us-east', parameters: { work_mem: '8MB' } },
  'ports.http': 80,
  'network.base': '127.80',
  'regions.us-east.address': '127.80.1.1',
})

test('any mutation of a topology either loads or gives problems that each have a path and a message', () => {
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      let input: unknown = structuredClone(rich)
      for (const one of mutations) if (input !== null && typeof input === 'object') input = mutate(input, one)
      const { topology, problems } = validate(input)
      assert.equal(topology === undefined, problems.length > 0)
      for (const finding of problems) {
        const problem = toProblem(finding)
        assert.ok(problem.message.length > 0 && problem.message.length < 1000)
        assert.doesNotMatch(problem.message, /undefined|\[object|Invalid input/, JSON.stringify(problem))
        assert.ok(
          problem.path !== '' ||
            input === null ||
            typeof input !== 'object' ||
            Array.isArray(input) ||
            Object.getPrototypeOf(input) !== Object.prototype,
          problem.message,
        )
      }
      if (topology) assert.deepEqual(topologySchema.parse(input), topology)
    }),
    { numRuns: 3000 },
  )
})

test('loading a file with any content gives a topology or a TopologyError', async (t) => {
  const at = folder(t)
  const fragments = fc.array(
    fc.oneof(
      fc.constantFrom(
        'name: x',
        '\n',
        ' ',
        '- ',
        '? ',
        ': ',
        '&a ',
        '*a',
        '<<: ',
        '!!str ',
        '|',
        '>',
        '{',
        '}',
        '[',
        ']',
        '"',
        "'",
        '#',
        '---\n',
        '%YAML 1.1\n',
        'export default ',
        '\t',
        'a: b\n',
        '  ',
      ),
      fc.string(),
    ),
    { maxLength: 30 },
  )
  await fc.assert(
    fc.asyncProperty(fragments, fc.constantFrom('yaml', 'yml'), async (parts, extension) => {
      const file = join(at, `f.${extension}`)
      writeFileSync(file, parts.join(''))
      await loadTopology(file, anywhere).catch((error: unknown) =>
        assert.ok(error instanceof TopologyError, String(error)),
      )
    }),
    runs,
  )
})

test('a revision depends on everything except the order of keys', () => {
  const shuffled = (value: unknown, order: number, depth = 0): unknown => {
    if (Array.isArray(value) || value === null || typeof value !== 'object') return value
    const entries = Object.entries(value).map(
      ([key, inner]) =>
        [
          key,
          key === 'regions' && depth === 0
            ? Object.fromEntries(Object.entries(inner).map(([name, one]) => [name, shuffled(one, order, 2)]))
            : shuffled(inner, order, depth + 1),
        ] as const,
    )
    return Object.fromEntries(
      entries.sort(
        ([a], [b]) =>
          ((a.length * order) % 7) - ((b.length * order) % 7) || (order % 2 ? 1 : -1) * (a < b ? -1 : 1),
      ),
    )
  }
  fc.assert(
    fc.property(right, fc.nat({ max: 20 }), (input, order) => {
      const topology = topologySchema.parse(input)
      assert.equal(revision(shuffled(topology, order) as typeof topology), revision(topology))
      assert.notEqual(revision({ ...topology, domain: 'other.example.org' }), revision(topology))
      const reversed = Object.fromEntries(Object.entries(topology.regions).reverse())
      assert.notEqual(revision({ ...topology, regions: reversed }), revision(topology))
    }),
    runs,
  )
})

test('equal topologies have equal revisions', () => {
  assert.match(revision(topologySchema.parse(sample)), /^[0-9a-f]{64}$/)
  assert.equal(
    revision(topologySchema.parse(sample)),
    revision(topologySchema.parse(structuredClone(sample))),
  )
})
