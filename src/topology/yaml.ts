import { isAlias, isCollection, isMap, isNode, LineCounter, parseDocument, visit } from 'yaml'
import { messageOf } from '../lib/errors.ts'
import { fail } from './find.ts'
import { type Key, type Place, type Problem, TopologyError } from './problems.ts'

export type Source = {
  value: unknown
  /** Position of a path in the file, or of its nearest ancestor there. */
  locate?: (at: readonly Key[]) => Place | undefined
}

/** Maximum number of nodes that all aliases together expand to: enough for shared blocks, too few for an alias bomb. */
const maxAliases = 100
/** Further syntax errors add no information. */
const maxErrors = 10

const messages: Record<string, string> = {
  DUPLICATE_KEY: 'duplicate key',
  MULTIPLE_DOCS: 'expected one document, found another after ---',
}

const remedies: Record<string, string> = {
  DUPLICATE_KEY: 'keep one of them',
  TAB_AS_INDENT: 'indent with spaces',
  MULTIPLE_DOCS: 'keep one document: remove the line ---',
  BAD_ALIAS: 'define the anchor (&name) before the alias (*name)',
}

export function parseYaml(file: string, text: string): Source {
  const lines = new LineCounter()
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const document = (() => {
    try {
      return parseDocument(text, {
        lineCounter: lines,
        prettyErrors: false,
        merge: true,
        maxAliasCount: maxAliases,
      } as never)
    } catch (error) {
      fail('topology_syntax', file, `not valid YAML: ${messageOf(error)}`)
    }
  })()
  // Warnings are about unknown tags and directives, which no topology needs.
  const errors = [...document.errors, ...document.warnings]
  if (errors.length > 0) {
    // All other errors are consequences of the exhausted stack.
    const deep = errors.find((error) => error.code === 'RESOURCE_EXHAUSTION')
    const problems = new Map<string, Problem>()
    for (const error of deep ? [deep] : errors) {
      const own = deep ? 'nested too deeply' : messages[error.code]
      const message = `not valid YAML: ${own ?? error.message.split('\n')[0]}`
      const remedy = remedies[error.code] ?? tomlRemedy(text)
      const problem = { path: '', message, ...(remedy ? { remedy } : {}), ...place(error.pos[0]) }
      if (problems.size < maxErrors) problems.set(`${problem.line} ${message}`, problem)
    }
    throw new TopologyError('topology_syntax', file, [...problems.values()])
  }
  if (!isMap(document.contents)) {
    const found =
      document.contents === null
        ? 'only comments'
        : isCollection(document.contents)
          ? 'a list'
          : 'a single value'
    fail(
      'topology_syntax',
      file,
      `expected a mapping (name: shop …), got ${found}`,
      tomlRemedy(text) ?? 'see docs/reference/topology.md, or create one with: nearside init',
    )
  }
  // An alias inside its own anchor would be an infinite structure.
  visit(document, {
    Alias(_, alias, path) {
      const target = alias.resolve(document)
      if (target && path.includes(target as never))
        fail('topology_syntax', file, `not valid YAML: the alias *${alias.source} is inside its own anchor`)
    },
  })
  try {
    const value: unknown = document.toJS({ maxAliasCount: maxAliases })
    return { value: withoutSchema(value), locate: (at) => locate(document, at, place) }
  } catch (error) {
    fail(
      'topology_syntax',
      file,
      `not valid YAML: ${messageOf(error)}`,
      'write values out instead of using aliases',
    )
  }
}

/** Removes the key under which editors look for the file's JSON Schema. */
function withoutSchema(value: unknown): unknown {
  const { $schema, ...topology } = value as Record<string, unknown>
  return typeof $schema === 'string' ? topology : value
}

type Document = ReturnType<typeof parseDocument>

function locate(document: Document, at: readonly Key[], place: (offset: number) => Place): Place | undefined {
  let node: unknown = document.contents
  let offset: number | undefined
  for (const key of at) {
    if (isAlias(node)) node = node.resolve(document)
    if (!isCollection(node)) break
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => String((item.key as { value?: unknown })?.value ?? item.key) === String(key),
      )
      if (!pair) break
      offset = (isNode(pair.key) ? pair.key.range?.[0] : undefined) ?? offset
      node = pair.value
    } else {
      node = node.get(key, true)
      offset = (isNode(node) ? node.range?.[0] : undefined) ?? offset
    }
  }
  return offset === undefined ? undefined : place(offset)
}

function tomlRemedy(text: string): string | undefined {
  const toml = /^\s*\[[\w."'-]+\]\s*$/m.test(text) || /^\s*[\w."'-]+\s*=\s*["'\d[{tf]/m.test(text)
  return toml ? 'the file looks like TOML: write YAML instead (name: shop, not name = "shop")' : undefined
}
