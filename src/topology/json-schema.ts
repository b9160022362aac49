import * as z from 'zod'
import { topologySchema } from './schema.ts'

/**
 * The contract as JSON Schema for editors of the YAML form. Draft 7, since that is the latest that yaml-language-server
 * knows. It may accept what `nearside check` refuses: rules over several keys are not in it.
 */
export function renderJsonSchema(comment: string): string {
  const { $schema, properties, ...rest } = z.toJSONSchema(topologySchema, { io: 'input', target: 'draft-7' })
  const schema = {
    $schema,
    $comment: comment,
    title: 'Nearside topology',
    ...rest,
    properties: {
      $schema: { type: 'string', description: 'Where an editor finds this schema. Nearside ignores it.' },
      ...properties,
    },
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}
