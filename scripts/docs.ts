import { writeFileSync } from 'node:fs'
import { renderInput } from '../src/topology/declaration.ts'
import { renderJsonSchema } from '../src/topology/json-schema.ts'
import { renderReference } from '../src/topology/reference.ts'
import { renderCliReference } from './docs/cli.ts'

/** Writes the pages that are made from code. Run it after a change of the schema or of a command: `node scripts/docs.ts`. */
const page = (name: string) => new URL(`../docs/reference/${name}.md`, import.meta.url)
writeFileSync(page('topology'), renderReference())
writeFileSync(page('cli'), await renderCliReference())
