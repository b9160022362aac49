import * as z from 'zod'
import { givenVariables } from './rules/app.ts'
import { takenNames } from './rules/database.ts'
import { reservedParameters } from './rules/parameters.ts'
import { topologySchema } from './schema.ts'

/**
 * Renders the contract as JSON Schema for editors of the YAML form. Draft 7 is the latest draft that
 * yaml-language-server supports. Whatever is wrong with one value alone is wrong here as well; the rules that span
 * several keys are only in `nearside check`.
 */
export function renderJsonSchema(comment: string): string {
  const { $schema, properties, ...rest } = z.toJSONSchema(topologySchema, { io: 'input', target: 'draft-7' })
  const schema = {
    $schema,
    $comment: comment,
    title: 'Nearside topology',
    ...rest,
    properties: {
      $schema: { type: 'string', description: 'Location of this schema for editors. Nearside ignores it.' },
      ...properties,
    },
  }
  for (const [path, more] of Object.entries(refinements)) refine(schema, path.split('.'), more)
  return `${JSON.stringify(schema, null, 2)}\n`
}

type Part = { [key: string]: unknown }

const unrequested = { pattern: '[^\\u0021-\\u007e]|#|//|/\\.{1,2}(/|$)' }
const byte = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const nul = { pattern: '\\u0000' }
const env = {
  propertyNames: { not: { anyOf: [{ enum: givenVariables }, { pattern: '^NEARSIDE_' }] } },
  additionalProperties: { not: nul },
}
const command = { items: { not: nul } }
const once = { uniqueItems: true }

/**
 * What the rules refuse in one value, as JSON Schema, by path; `*` is any key of a mapping, `[]` any item of a list.
 * `test/topology/json-schema.test.ts` compares both.
 */
const refinements: Record<string, Part> = {
  regions: { minProperties: 3 },
  domain: { not: { pattern: '\\.\\d+$' } },
  'network.base': { pattern: `^${byte}\\.${byte}$` },
  'network.rttMs': { propertyNames: { not: { pattern: '^(\\S+) \\1$' } } },
  'regions.*.env': env,
  'app.env': env,
  'app.command': { ...command },
  'app.release': { ...command },
  'app.health': { not: { anyOf: [{ pattern: '\\*$' }, unrequested] } },
  'app.static': once,
  'app.static.[]': { not: unrequested },
  'app.writes.safeMethods': once,
  'app.writes.also': once,
  'app.writes.except': once,
  'app.maxBody': { not: { pattern: '^\\s*0+\\s*[a-zA-Z]' } },
  'database.name': {
    not: { anyOf: [{ enum: [...takenNames, 'nearside'] }, { pattern: '^(pg|nearside)_' }] },
  },
  'database.parameters': {
    propertyNames: {
      not: {
        anyOf: [
          // With durability local, statement_timeout may be set.
          { enum: Object.keys(reservedParameters).filter((name) => name !== 'statement_timeout') },
          { pattern: '^recovery_target' },
        ],
      },
    },
    additionalProperties: { not: { type: 'string', pattern: '[\\u0000-\\u001f\\u007f]' } },
  },
  'steering.geoip': once,
  'steering.geoip.[]': { not: { pattern: '^npm:(?!(@[^/\\s]+/)?[^@/\\s][^/\\s]*/[^\\s]+$)' } },
}

/** Adds to what stands at the path, below it too: `propertyNames` keeps its own pattern. */
function refine(node: Part, path: readonly string[], more: Part): void {
  const [key, ...rest] = path
  if (key === undefined) {
    merge(node, more)
    return
  }
  const next =
    key === '*' ? node.additionalProperties : key === '[]' ? node.items : (node.properties as Part)[key]
  refine(next as Part, rest, more)
}

function merge(node: Part, more: Part): void {
  for (const [key, value] of Object.entries(more)) {
    const own = node[key]
    const both = [own, value].every((one) => typeof one === 'object' && one !== null && !Array.isArray(one))
    // A copy: several keys share what is refused.
    if (both) merge(own as Part, value as Part)
    else node[key] = structuredClone(value)
  }
}
