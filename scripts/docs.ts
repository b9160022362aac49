import { writeFileSync } from 'node:fs'
import { renderInput } from '../src/topology/declaration.ts'
import { renderJsonSchema } from '../src/topology/json-schema.ts'
import { renderReference } from '../src/topology/reference.ts'
import { renderCliReference } from './docs/cli.ts'
import { renderDecisionIndex } from './docs/decisions.ts'

/**
 * Writes the pages that are made from code. Run it after a change of the schema or of a command's help, and after
 * adding a decision: `node scripts/docs.ts`.
 */
const write = (page: string, text: string) =>
  writeFileSync(new URL(`../docs/${page}.md`, import.meta.url), text)
write('reference/topology', renderReference())
write('reference/cli', await renderCliReference())
write('decisions/README', renderDecisionIndex())
