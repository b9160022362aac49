import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { renderInput } from '../../src/topology/declaration.ts'
import type { TopologyInput as Declared } from '../../src/topology/input.ts'
import { loadTopology } from '../../src/topology/load.ts'
import type { TopologyInput } from '../../src/topology/schema.ts'
import { contract, type Node } from '../../src/topology/walk.ts'
import { folder, sample } from './samples.ts'

/** The contract for editors: types for the TypeScript form, a JSON Schema for the YAML form. */

const at = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const schema = JSON.parse(at('topology.schema.json'))
const accepts = new Ajv({ strict: true, allowUnionTypes: true, formats: { ipv4: true } }).compile(schema)

/** Compiles only if both are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : { a: A; b: B }
type Flat<T> = T extends object ? { [K in keyof T]: Flat<T[K]> } : T

test('src/topology/input.ts is up to date with the schema (run: npm run docs)', () => {
  assert.equal(at('src/topology/input.ts'), renderInput())
  true satisfies Same<Flat<Declared>, Flat<TopologyInput>>
})

test('every key that an editor completes in TypeScript has a description', () => {
  const missing: string[] = []
  const lines = renderInput().split('\n')
  const visit = (node: Node, path: string) => {
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      if (child.properties && key !== 'location') visit(child, `${path}${key}.`)
      else if (!lines.some((line, i) => line.trim().startsWith(`${key}`) && lines[i - 1]?.endsWith('*/')))
        missing.push(path + key)
    }
  }
  visit(contract, '')
  assert.deepEqual(missing, [])
})

test('topology.schema.json is up to date with the schema (run: npm run docs)', async () => {
  const { renderJsonSchema } = await import('../../src/topology/json-schema.ts')
  assert.deepEqual(schema, JSON.parse(renderJsonSchema(schema.$comment)))
  const keys = (node: { properties?: object }) => Object.keys(node.properties ?? {})
  assert.deepEqual(
    keys(schema).filter((key) => key !== '$schema'),
    keys(contract),
  )
})

test('an independent validator accepts the examples and refuses what check refuses', async () => {
  const page = at('docs/reference/topology.md')
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  const right: Record<string, unknown> = parse(yaml)
  assert.ok(accepts(right), JSON.stringify(accepts.errors))
  assert.ok(accepts(sample), JSON.stringify(accepts.errors))
  const wrong: [path: string, value: unknown][] = [
    ['name', 'A B'],
    ['domain', undefined],
    ['nmae', 'x'],
    ['ports', { http: 70_000 }],
    ['ports', { http: '80' }],
    ['database', { durability: 'regoin' }],
    ['regions', { 'us-east': { location: { lat: 91, lon: 0 } } }],
    ['app', { command: [] }],
    ['$schema', 5],
  ]
  for (const [key, value] of wrong) {
    const { [key]: _, ...rest } = right
    assert.ok(!accepts(value === undefined ? rest : { ...rest, [key]: value }), `${key}: ${value}`)
  }
})

test('a $schema key is ignored, in YAML and in JSON', async (t) => {
  const here = folder(t)
  const named = { $schema: './nearside.schema.json', ...sample }
  assert.ok(accepts(named), JSON.stringify(accepts.errors))
  writeFileSync(join(here, 'nearside.yaml'), JSON.stringify(named))
  const { topology } = await loadTopology(here, { files: false })
  assert.ok(!('$schema' in topology))
  writeFileSync(join(here, 'nearside.yaml'), JSON.stringify({ ...named, $schema: 5 }))
  await assert.rejects(loadTopology(here, { files: false }), /\$schema/)
})
