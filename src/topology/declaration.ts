import { createHash } from 'node:crypto'
import { contract, type Node } from './walk.ts'

/**
 * Renders the contract as self-contained TypeScript with descriptions, which editors show. zod's own types have no
 * descriptions and need zod.
 */

const width = 110

/** The comment above a key, wrapped. */
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
    `${indent}/** Contents of a topology file. */`,
    `${indent}export interface TopologyInput {`,
    ...members(contract, `${indent}  `),
    `${indent}}`,
  ].join('\n')
}

/** Hash of the contract, by which a generated file of another version is recognised. */
export const contractHash = createHash('sha256').update(JSON.stringify(contract)).digest('hex').slice(0, 12)

/** Renders src/topology/input.ts. */
export function renderInput(): string {
  return ['// Generated from schema.ts by `npm run docs`. Do not edit.', '', declaration(''), ''].join('\n')
}

/** Declares the module `nearside` for a folder in which the package is not installed. */
export function renderEnvironment(head: readonly string[]): string {
  return [
    ...head,
    `declare module 'nearside' {`,
    declaration('  '),
    '',
    '  /** Returns its argument. It exists so that an editor checks and completes the topology. */',
    '  export function defineTopology(topology: TopologyInput): TopologyInput',
    '}',
    '',
  ].join('\n')
}
