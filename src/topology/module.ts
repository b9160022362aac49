import { createHash } from 'node:crypto'
import { registerHooks } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { messageOf } from '../lib/errors.ts'
import { modulePath } from '../lib/program.ts'
import { fail } from './find.ts'
import { TopologyError } from './problems.ts'
import { given } from './translate.ts'
import type { Source } from './yaml.ts'

const ourselves = pathToFileURL(modulePath('../index', import.meta.url)).href

/**
 * Runs a topology written in TypeScript or JavaScript and returns its default export.
 *
 * `import … from 'nearside'` gets this very program, installed beside the app or not. TypeScript is a module whatever
 * the package.json around it says, since `export default` is the only form; the types are stripped, not checked.
 */
export async function importTopology(file: string, text: string, timeoutMs: number): Promise<Source> {
  // A module is run once per URL; the content in the URL lets a changed file be read again by the same process.
  const url = pathToFileURL(file)
  url.searchParams.set('content', createHash('sha256').update(text).digest('hex').slice(0, 16))
  const typescript = /\.m?ts(\?|$)/
  const format = typescript.test(url.pathname)
    ? 'module-typescript'
    : /^\s*export\s/m.test(text)
      ? 'module'
      : undefined
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'nearside') return { url: ourselves, shortCircuit: true }
      // Its package.json is not even read: a broken one is the app's affair.
      if (specifier === url.href && format !== undefined) return { url: url.href, format, shortCircuit: true }
      const found = next(specifier, context)
      return typescript.test(found.url) ? { ...found, format: 'module-typescript' } : found
    },
  })
  // Otherwise a file that ends this process would end every command with its exit code, 0 perhaps, and no word.
  const { exit } = process
  process.exit = (code) => {
    throw new Error(`it called process.exit(${code ?? ''})`)
  }
  let timer: NodeJS.Timeout | undefined
  let loaded: { default?: unknown }
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it did not finish within ${timeoutMs / 1000} s`)), timeoutMs)
    })
    loaded = (await Promise.race([import(url.href), late])) as { default?: unknown }
  } catch (error) {
    throw explained(file, error)
  } finally {
    clearTimeout(timer)
    process.exit = exit
    hooks.deregister()
  }
  return { value: exported(file, loaded) }
}

function exported(file: string, loaded: { default?: unknown }): unknown {
  const value = loaded.default
  const write = 'end the file with: export default defineTopology({ … })'
  if (!('default' in loaded) || value === undefined) {
    const others = Object.keys(loaded).filter((name) => name !== 'default')
    const found = others.length === 0 ? 'nothing' : `only ${others.join(', ')}`
    fail('topology_syntax', file, `expected a default export, the file exports ${found}`, write)
  }
  if (typeof value === 'function')
    fail('topology_syntax', file, 'expected the default export to be a topology, got a function', write)
  if (value === null || typeof value !== 'object' || Array.isArray(value) || 'then' in value)
    fail(
      'topology_syntax',
      file,
      `expected the default export to be a topology, got ${given(value)}`,
      value !== null && typeof value === 'object' && 'then' in value ? 'write export default await …' : write,
    )
  return value
}

const remedies: Record<string, string> = {
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX:
    'use only syntax that can be stripped: no enums, namespaces or parameter properties',
  ERR_MODULE_NOT_FOUND: 'install it, or correct the import; imported files are named with their extension',
  ERR_INVALID_PACKAGE_CONFIG: 'correct the package.json, or write the topology as nearside.config.ts',
  ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING:
    'TypeScript inside node_modules is not run: move the file out of it',
}

/** What was thrown, with the line it was thrown at if that is in the file, and no stack. */
function explained(file: string, error: unknown): TopologyError {
  const { code, stack, name } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : ({} as Partial<NodeJS.ErrnoException>)
  const kind = name === 'SyntaxError' ? 'not valid' : 'failed while it ran'
  const message = messageOf(error)
    .split('\n')[0]!
    .replace(/ imported from .*$/, '')
  const remedy = remedies[code ?? '']
  const at = position(file, String(stack ?? ''))
  const problem = { path: '', message: `${kind}: ${message}`, ...(remedy ? { remedy } : {}), ...at }
  return new TopologyError('topology_syntax', file, [problem], error)
}

function position(file: string, stack: string): { line: number; column: number } | undefined {
  for (const [, where, line, column] of stack.matchAll(
    /(?:^|\(|\s)((?:file:\/\/)?\/[^\s():]*(?:\?[^\s():]*)?):(\d+)(?::(\d+))?/gm,
  )) {
    let path = where!
    try {
      if (path.startsWith('file:')) path = fileURLToPath(path.replace(/\?.*$/, ''))
    } catch {
      continue
    }
    if (path === file) return { line: Number(line), column: Number(column ?? 1) }
  }
  return undefined
}
