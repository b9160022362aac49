import * as z from 'zod'
import type { Key } from './problems.ts'
import { topologySchema } from './schema.ts'

/** The parts of JSON Schema that occur in the contract. Error messages, documentation and YAML editors read them. */
export type Node = {
  type?: string | string[]
  description?: string
  default?: unknown
  properties?: Record<string, Node>
  required?: string[]
  additionalProperties?: Node | boolean
  items?: Node
  enum?: string[]
  format?: string
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  minItems?: number
}

export const contract = z.toJSONSchema(topologySchema, { io: 'input' }) as Node

/** The contract's node for a path; undefined when it has none. */
export function nodeAt(path: readonly Key[]): Node | undefined {
  let node: Node | undefined = contract
  for (const key of path) {
    const { properties, additionalProperties, items }: Node = node
    if (properties) node = Object.hasOwn(properties, key) ? properties[key] : undefined
    else node = typeof additionalProperties === 'object' ? additionalProperties : items
    if (node === undefined) return undefined
  }
  return node
}

function range({ minimum, maximum, exclusiveMinimum }: Node): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  const low = minimum !== undefined ? ` from ${minimum}` : ''
  const above = exclusiveMinimum !== undefined ? ` above ${exclusiveMinimum}` : ''
  const high = maximum !== undefined ? `${above && ' and'} at most ${maximum}` : ''
  return low + above + high
}

/** Describes the values that a node accepts: "a whole number from 1 to 65535". */
export function expectation(node: Node): string {
  if (node.enum) return `one of ${node.enum.join(', ')}`
  if (Array.isArray(node.type)) return 'a string, a number or true/false'
  switch (node.type) {
    case 'string':
      return node.format === 'ipv4' ? 'an IPv4 address such as "10.0.0.1"' : 'a string'
    case 'integer':
      return `a whole number${range(node)}`
    case 'number':
      return `a number${range(node)}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return `a list of strings${node.minItems ? ' with at least one item' : ''}`
    default:
      return 'a mapping'
  }
}
