import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { renderJsonSchema } from '../../src/topology/json-schema.ts'
import { givenVariables } from '../../src/topology/rules/app.ts'
import { takenNames } from '../../src/topology/rules/database.ts'
import { reservedParameters } from '../../src/topology/rules/parameters.ts'
import { changed, problems, sample } from './samples.ts'

const accepts = new Ajv({ strict: false, allowUnionTypes: true, formats: { ipv4: true } }).compile(
  JSON.parse(renderJsonSchema('')),
)

/** Texts that mostly look like what a key wants, and are often wrong in one place. */
const from = (...parts: string[]) =>
  fc
    .array(fc.oneof(fc.constantFrom(...parts), fc.string({ maxLength: 2 })), { maxLength: 4 })
    .map((all) => all.join(''))

const size = from('10', '0', '9999999999', 'mb', 'MB', 'kb', 'Gb', 'b', ' ', '.5', 'm')
const path = from('/', 'a', '*', '/..', '//', '#', '%20', 'é', '?', '.')
const variable = fc.oneof(fc.constantFrom(...givenVariables), from('NEARSIDE_', 'A', '_', '1', 'PORT', '-'))
const parameter = fc.oneof(
  fc.constantFrom(...Object.keys(reservedParameters).filter((name) => name !== 'statement_timeout')),
  from('work_mem', 'recovery_target', '_', 'x.y', 'A', '1'),
)

/** A value at a path: wrong by itself or right, whatever the rest of the file says. */
const values: Record<string, fc.Arbitrary<unknown>> = {
  name: from('a', 'A', '-', '1'),
  domain: from('a', '.', '-', '1', 'com'),
  'network.base': from('10', '.', '300', '77', '0').map((text) => text),
  'network.rttMs': fc
    .tuple(from('us-east', ' ', 'us-west', 'A'), fc.constant(10))
    .map((pair) => Object.fromEntries([pair])),
  'app.maxBody': size,
  'cache.maxMemory': size,
  'app.health': path,
  'app.static': fc.array(path, { maxLength: 2 }),
  'app.env': fc.dictionary(variable, fc.constantFrom('x', 'a\0b'), { maxKeys: 2, noNullPrototype: true }),
  'app.command': fc.array(fc.constantFrom('node', 'x\0', ''), { maxLength: 2 }),
  'app.writes.safeMethods': fc.array(fc.constantFrom('POST', 'GET', 'post', 'HEAD', 'QUERY'), {
    maxLength: 3,
  }),
  'app.writes.also': fc.array(fc.constantFrom('GET /logout', 'GET /*', 'HEAD /*', 'GET', 'get /x'), {
    maxLength: 3,
  }),
  'database.name': fc.oneof(
    fc.constantFrom(...takenNames),
    from('app', 'pg_', 'nearside', '_', '-', 'A', '1'),
  ),
  'database.parameters': fc.dictionary(parameter, fc.constantFrom('4MB', 'a\nb', 5, true, null), {
    maxKeys: 2,
    noNullPrototype: true,
  }),
  'steering.geoip': fc.array(fc.constantFrom('a.mmdb', 'npm:x/y', 'npm:x', 'npm:@s/x/y', 'npm:@s/x'), {
    maxLength: 3,
  }),
  regions: fc.constantFrom({}, sample.regions, { 'us-east': sample.regions['us-east'] }),
}

/** Right as the schema of the file sees it, but of no use on this network, on this disk, or with other keys. */
const spansMore = [
  // An address, not a form: a loopback or private network.
  /^network\.base: expected a loopback or private network/,
  /^network\.rttMs.*: expected the names of two regions, got "/,
  // Less than an engine needs.
  /^cache\.maxMemory: expected at least "1mb"/,
  /^app\.maxBody: expected less than "2gb"/,
  // A likely typo of a method.
  /^app\.writes.*: expected an HTTP method, got/,
]

test('the JSON Schema refuses a value exactly when check refuses its form', () => {
  for (const [key, value] of Object.entries(values))
    fc.assert(
      fc.property(value, (given) => {
        const input = changed({ [key]: given })
        const found = problems(input)
          .filter((one) => one.path.startsWith(key))
          .map((one) => `${one.path}: ${one.message}`)
          .filter((text) => !spansMore.some((pattern) => pattern.test(text)))
        assert.equal(
          accepts(input),
          found.length === 0,
          `${key} = ${JSON.stringify(given)}\ncheck: ${found.join('\n')}\nschema: ${JSON.stringify(accepts.errors)}`,
        )
      }),
      { numRuns: 200 },
    )
})
