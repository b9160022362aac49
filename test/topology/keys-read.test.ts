import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPropertyAssignment, type Node } from 'typescript/unstable/ast'
import { Program } from '../support/program.ts'

const schema = 'src/topology/schema.ts'

/** Rules only check a value, so reading it there does not count. */
const acts = (path: string) =>
  path.startsWith('src/') && path !== schema && !path.startsWith('src/topology/rules/')

/** Keys that are read as members of another type. */
const exceptions: Record<string, string> = {
  lat: 'a region’s location is a Location of src/geo, which cannot import the topology',
  lon: 'the same',
}

test('every key of the schema is used by code other than the rules', () => {
  const program = new Program()
  try {
    const keys: Node[] = []
    const visit = (node: Node): undefined => {
      if (isPropertyAssignment(node)) keys.push(node.name)
      node.forEachChild(visit)
      return undefined
    }
    visit(program.files.get(schema)!)
    assert.ok(keys.length > 50, `${keys.length} keys`)
    const unread = program.unread(keys, acts).map((name) => name.getText())
    assert.deepEqual(unread, Object.keys(exceptions))
  } finally {
    program.close()
  }
})
