import { writeFileSync } from 'node:fs'
import { renderInput } from '../src/topology/declaration.ts'
import { renderJsonSchema } from '../src/topology/json-schema.ts'
import { renderReference } from '../src/topology/reference.ts'

/** Writes what is made from src/topology/schema.ts. Run it after a change of the schema: `npm run docs`. */
const made = {
  'docs/topology.md': renderReference(),
  'src/topology/input.ts': renderInput(),
  'topology.schema.json': renderJsonSchema(
    'Made from src/topology/schema.ts by `npm run docs`. Do not edit.',
  ),
}
for (const [file, text] of Object.entries(made)) writeFileSync(new URL(`../${file}`, import.meta.url), text)
