import { writeFileSync } from 'node:fs'
import { renderInput } from '../src/topology/declaration.ts'
import { renderJsonSchema } from '../src/topology/json-schema.ts'
import { renderReference } from '../src/topology/reference.ts'

/** Writes the documentation that is made from code. Run it after a change of the schema: `node scripts/docs.ts`. */
writeFileSync(new URL('../docs/reference/topology.md', import.meta.url), renderReference())
