import * as z from 'zod'
import { topologySchema } from './schema.ts'

/**
 * Renders the contract as JSON Schema for editors of the YAML form. Draft 7 is the latest draft that
 * yaml-language-server supports. The schema accepts some files that `nearside check` refuses, because it lacks the
 * rules that span several keys.
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
  return `${JSON.stringify(schema, null, 2)}\n`
}
