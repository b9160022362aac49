import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { contractHash, renderEnvironment } from '../topology/declaration.ts'
import { renderJsonSchema } from '../topology/json-schema.ts'

/**
 * How an editor and `tsc` get to know the topology's keys. Where Nearside is installed in the app's folder or above,
 * they find it by themselves. Where it is not, a file beside the topology file holds the same (decision 51).
 */

/** The forms that `nearside init` writes. */
export type Form = 'typescript' | 'yaml'

export const topologyFile: Record<Form, string> = {
  typescript: 'nearside.config.ts',
  yaml: 'nearside.yaml',
}

/** What stands beside it where the package is not installed. */
const ownFile: Record<Form, string> = {
  typescript: 'nearside-env.d.ts',
  yaml: 'nearside.schema.json',
}

type EditorHelp = {
  /** What the topology file begins with. */
  line?: string
  /** What has to stand beside it. */
  file?: { name: string; text: string }
}

export function editorHelp(form: Form, folder: string): EditorHelp {
  const installed = findInstalled(folder, form === 'yaml' ? 'topology.schema.json' : 'package.json')
  if (installed !== undefined) return form === 'yaml' ? { line: schemaLine(relative(folder, installed)) } : {}
  const name = ownFile[form]
  const line = form === 'yaml' ? schemaLine(name) : `/// <reference path="./${name}" />`
  return { line, file: { name, text: editorText(form) } }
}

const schemaLine = (path: string) =>
  `# yaml-language-server: $schema=${path.startsWith('.') ? path : `./${path}`}`

/** A file of the package `nearside` that TypeScript and Node find from a folder. */
function findInstalled(folder: string, file: string): string | undefined {
  const path = join(folder, 'node_modules/nearside', file)
  if (existsSync(path)) return path
  return dirname(folder) === folder ? undefined : findInstalled(dirname(folder), file)
}

/** By these words a file is known as ours, also when a formatter has been over it. */
const mark = 'Written by `nearside init --editor`'
const contractMark = `contract ${contractHash}`

/** What the file beside a topology file of this form holds. */
export function editorText(form: Form): string {
  const head = `${mark}, ${contractMark}. Do not edit.`
  if (form === 'yaml') return renderJsonSchema(head)
  return renderEnvironment([
    `// ${head}`,
    '// The module "nearside" for editors and tsc, since it is not installed here. Commit this file.',
    '// biome-ignore-all lint: generated',
    '// biome-ignore-all format: generated',
    '/* eslint-disable */',
    '',
    '// prettier-ignore',
  ])
}

/** The form of a topology file, and the editor file that may stand beside it. */
export function editorFileOf(topologyName: string): { form: Form; name: string } {
  const form = /\.ya?ml$/.test(topologyName) ? 'yaml' : 'typescript'
  return { form, name: ownFile[form] }
}

/** What an existing file of that name is: `other` is a person's own, and `old` has the keys of another version. */
export function editorFileState(text: string): 'current' | 'old' | 'other' {
  if (!text.includes(mark)) return 'other'
  return text.includes(contractMark) ? 'current' : 'old'
}
