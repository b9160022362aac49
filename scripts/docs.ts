import { writeFileSync } from 'node:fs'
import { renderInput } from '../src/topology/declaration.ts'
import { renderJsonSchema } from '../src/topology/json-schema.ts'
import { renderReference } from '../src/topology/reference.ts'
import { renderCliReference } from './docs/cli.ts'
import { renderDecisionIndex } from './docs/decisions.ts'

/** Generates files from code. Run it after changing the schema or a --help text, and for a new decision: `npm run docs`. */
const made = {
  'docs/reference/topology.md': renderReference(),
  'docs/reference/cli.md': await renderCliReference(),
  'docs/decisions/README.md': renderDecisionIndex(),
  'src/topology/input.ts': renderInput(),
  'topology.schema.json': renderJsonSchema(
    'Made from src/topology/schema.ts by `npm run docs`. Do not edit.',
  ),
}
for (const [file, text] of Object.entries(made)) writeFileSync(new URL(`../${file}`, import.meta.url), text)
