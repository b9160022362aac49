import { createHash } from 'node:crypto'
import { contract, type Node } from './walk.ts'

/**
 * The contract as TypeScript that needs nothing else, with its descriptions for an editor to show. zod's own types carry
 * none, and they need zod.
 */

const width = 110

/** What stands above a key, wrapped. */
function comment({ description, default: value }: Node, indent: string): string[] {
  const isEmpty = typeof value === 'object' && Object.keys(value ?? {}).length === 0
  const shown = value === undefined || isEmpty ? [] : [`@default ${JSON.stringify(value)}`]
  const lines = [...(description === undefined ? [] : wrap(description, width - indent.length - 3)), ...shown]
  if (lines.length === 0) return []
  const single = `${indent}/** ${lines[0]} */`
  if (lines.length === 1 && single.length <= width) return [single]
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`]
}

function wrap(text: string, most: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= most)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

function type(node: Node, indent: string): string {
  if (node.enum) return node.enum.map((value) => `'${value}'`).join(' | ')
  if (node.properties) return ['{', ...members(node, `${indent}  `), `${indent}}`].join('\n')
  if (typeof node.additionalProperties === 'object') {
    const value = type(node.additionalProperties, `${indent}  `)
    if (!value.includes('\n')) return `Record<string, ${value}>`
    return ['{', `${indent}  [name: string]: ${value}`, `${indent}}`].join('\n')
  }
  if (node.type === 'array') return `${type(node.items!, indent)}[]`
  return [node.type!]
    .flat()
    .map((name) => (name === 'integer' ? 'number' : name))
    .join(' | ')
}

function members({ properties = {}, required = [] }: Node, indent: string): string[] {
  return Object.entries(properties).flatMap(([key, node]) => [
    ...comment(node, indent),
    `${indent}${key}${required.includes(key) ? '' : '?'}: ${type(node, indent)}`,
  ])
}

function declaration(indent: string): string {
  return [
    `${indent}/** What a topology file holds. */`,
    `${indent}export interface TopologyInput {`,
    ...members(contract, `${indent}  `),
    `${indent}}`,
  ].join('\n')
}

/** Changes when the contract does, and with nothing else: by it an older copy of what is made here is known. */
export const contractHash = createHash('sha256').update(JSON.stringify(contract)).digest('hex').slice(0, 12)

/** src/topology/input.ts. */
export function renderInput(): string {
  return ['// Made from schema.ts by `npm run docs`. Do not edit.', '', declaration(''), ''].join('\n')
}

/** The module `nearside` for a folder in which it is not installed. */
export function renderEnvironment(head: readonly string[]): string {
  return [
    ...head,
    `declare module 'nearside' {`,
    declaration('  '),
    '',
    '  /** Gives an editor the types of a topology; returns its argument. */',
    '  export function defineTopology(topology: TopologyInput): TopologyInput',
    '}',
    '',
  ].join('\n')
}
