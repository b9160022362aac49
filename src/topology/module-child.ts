import { registerHooks } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { messageOf } from '../lib/errors.ts'
import { modulePath } from '../lib/program.ts'
import { fail } from './find.ts'
import { given } from './given.ts'
import { packed } from './module-value.ts'
import { type Problem, TopologyError } from './problems.ts'

/**
 * The process that runs a topology written in TypeScript or JavaScript, and sends its default export to the command that
 * started it (`module.ts`), or the problem.
 *
 * `import … from 'nearside'` resolves to this very program, even when it is not installed in the app's folder. A
 * TypeScript file is always an ES module, whatever package.json says, since a topology must use `export default`. Types
 * are stripped, not checked.
 */

/** Sent to this process. */
export type ModuleJob = { file: string; text: string }

/** Sent by this process: `running` first, then one of the others. */
export type ModuleReport =
  | { kind: 'running' }
  | { kind: 'value'; value: unknown }
  | { kind: 'problem'; problem: Problem }

const ourselves = pathToFileURL(modulePath('../index', import.meta.url)).href

const report = (one: ModuleReport) =>
  new Promise<void>((resolve) => process.send!(one, undefined, {}, () => resolve()))

process.once('message', async (job: ModuleJob) => {
  const { exit } = process
  // Node would end a process that only awaits a promise which never settles.
  process.channel?.ref()
  await report({ kind: 'running' })
  await report(await run(job).catch((error) => ({ kind: 'problem', problem: explained(job.file, error) })))
  // Also with timers or connections that the topology has left open.
  exit(0)
})

async function run({ file, text }: ModuleJob): Promise<ModuleReport> {
  const url = pathToFileURL(file)
  const typescript = /\.m?ts(\?|$)/
  const format = typescript.test(url.pathname)
    ? 'module-typescript'
    : /^\s*export\s/m.test(text)
      ? 'module'
      : undefined
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'nearside') return { url: ourselves, shortCircuit: true }
      // Short-circuited, so a broken package.json of the app does not matter.
      if (specifier === url.href && format !== undefined) return { url: url.href, format, shortCircuit: true }
      const found = next(specifier, context)
      return typescript.test(found.url) ? { ...found, format: 'module-typescript' } : found
    },
  })
  process.exit = (code) => {
    throw new Error(`it called process.exit(${code ?? ''})`)
  }
  const value = exported(file, (await import(url.href)) as { default?: unknown })
  try {
    return { kind: 'value', value: packed(value) }
  } catch (error) {
    // A getter or proxy can throw on any access.
    fail(
      'topology_syntax',
      file,
      `failed while being read: ${messageOf(error).split('\n')[0]}`,
      'use plain values',
      error,
    )
  }
}

function exported(file: string, loaded: { default?: unknown }): unknown {
  const value = loaded.default
  const write = 'end the file with: export default defineTopology({ … })'
  if (!('default' in loaded) || value === undefined) {
    const others = Object.keys(loaded).filter((name) => name !== 'default')
    const found = others.length === 0 ? 'nothing' : `only ${others.join(', ')}`
    fail('topology_syntax', file, `expected a default export, but the file exports ${found}`, write)
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
  ERR_MODULE_NOT_FOUND: 'install it, or correct the import; imports of files need the file extension',
  ERR_INVALID_PACKAGE_CONFIG: 'correct the package.json, or write the topology as nearside.config.ts',
  ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING:
    'move the file out of node_modules: Node does not run TypeScript there',
}

/** The thrown error without its stack, with the line if it was thrown in the topology file itself. */
function explained(file: string, error: unknown): Problem {
  if (error instanceof TopologyError) return error.problems[0]!
  const { code, stack, name } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : ({} as Partial<NodeJS.ErrnoException>)
  const kind = name === 'SyntaxError' ? 'syntax error' : 'failed while running'
  const message = messageOf(error)
    .split('\n')[0]!
    .replace(/ imported from .*$/, '')
  const remedy = remedies[code ?? '']
  const at = position(file, String(stack ?? ''))
  return { path: '', message: `${kind}: ${message}`, ...(remedy ? { remedy } : {}), ...at }
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
