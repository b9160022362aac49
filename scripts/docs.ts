import { writeFileSync } from 'node:fs'
import { renderReference } from '../src/topology/reference.ts'

/** Writes the documentation that is made from code. Run it after a change of the schema: `node scripts/docs.ts`. */
writeFileSync(new URL('../docs/topology.md', import.meta.url), renderReference())
