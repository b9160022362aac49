import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadTopology } from '../../src/topology/load.ts'
import { renderReference } from '../../src/topology/reference.ts'
import { contract, type Node } from '../../src/topology/walk.ts'
import { folder } from './samples.ts'

const page = readFileSync(new URL('../../docs/reference/topology.md', import.meta.url), 'utf8')

test('docs/reference/topology.md is up to date with the schema (run: node scripts/docs.ts)', () => {
  assert.equal(page, renderReference())
})

test('the examples in docs/reference/topology.md are valid and equivalent', async (t) => {
  const at = folder(t)
  const [, typescript = '', yaml = ''] = /```ts\n([\s\S]*?)```[\s\S]*?```yaml\n([\s\S]*?)```/.exec(page) ?? []
  writeFileSync(join(at, 'a.ts'), typescript)
  writeFileSync(join(at, 'a.yaml'), yaml)
  const [first, second] = [
    await loadTopology(join(at, 'a.ts'), { files: false }),
    await loadTopology(join(at, 'a.yaml'), { files: false }),
  ]
  assert.deepEqual(first.topology, second.topology)
})

test('every key of the schema has a documented meaning', () => {
  const missing: string[] = []
  const visit = (node: Node, at: string) => {
    for (const [key, child] of Object.entries(node.properties ?? {}))
      if (child.properties && key !== 'location') visit(child, `${at}${key}.`)
      else if (key !== 'regions') {
        const row = page
          .split('\n')
          .find((line) => line.startsWith(`| \`${`${at}${key}`.replace(/^[a-z]+\.(?=.)/, '')}\` |`))
        if (!row || row.split(' | ').at(-1)!.length < 5) missing.push(at + key)
      }
  }
  visit(contract, '')
  assert.deepEqual(missing, [])
})
