import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { contractHash, renderEnvironment } from '../topology/declaration.ts'
import { renderJsonSchema } from '../topology/json-schema.ts'

/**
 * Makes the topology's keys known to editors and `tsc`. If Nearside is installed in the app's folder or above, they
 * find it by themselves. Otherwise a file next to the topology file provides the same (decision 51).
 */

/** The forms that `nearside init` writes. */
export type Form = 'typescript' | 'yaml'

export const topologyFile: Record<Form, string> = {
  typescript: 'nearside.config.ts',
  yaml: 'nearside.yaml',
}

/** The editor file next to it, for folders in which the package is not installed. */
const ownFile: Record<Form, string> = {
  typescript: 'nearside-env.d.ts',
  yaml: 'nearside.schema.json',
}

type EditorHelp = {
  /** First line of the topology file. */
  line?: string
  /** The editor file to write next to it. */
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

/** Path of a file in the package `nearside`, as TypeScript and Node resolve it from a folder. */
function findInstalled(folder: string, file: string): string | undefined {
  const path = join(folder, 'node_modules/nearside', file)
  if (existsSync(path)) return path
  return dirname(folder) === folder ? undefined : findInstalled(dirname(folder), file)
}

/** Identifies a file that Nearside has written, even after a formatter has changed it. */
export const generatedMark = 'Written by `nearside init --editor`'
const contractMark = `contract ${contractHash}`

/** Contents of the editor file for a topology file of this form. */
export function editorText(form: Form): string {
  const head = `${generatedMark}, ${contractMark}. Do not edit.`
  if (form === 'yaml') return renderJsonSchema(head)
  return renderEnvironment([
    `// ${head}`,
    '// Declares the module "nearside" for editors and tsc, since the package is not installed here. Commit this file.',
    '// biome-ignore-all lint: generated',
    '// biome-ignore-all format: generated',
    '/* eslint-disable */',
    '',
    '// prettier-ignore',
  ])
}

/** The form of a topology file, and the name of its editor file. */
export function editorFileOf(topologyName: string): { form: Form; name: string } {
  const form = /\.ya?ml$/.test(topologyName) ? 'yaml' : 'typescript'
  return { form, name: ownFile[form] }
}

/**
 * Classifies an existing file of that name: `old` has the keys of another version, and `other` is the user's own file.
 */
export function editorFileState(text: string): 'current' | 'old' | 'other' {
  if (!text.includes(generatedMark)) return 'other'
  return text.includes(contractMark) ? 'current' : 'old'
}
