import type { Stats } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { TopologyError, type TopologyErrorCode } from './problems.ts'

const moduleExtensions = ['.ts', '.mts', '.js', '.mjs']
export const yamlExtensions = ['.yaml', '.yml']
export const topologyNames = [
  ...moduleExtensions.map((extension) => `nearside.config${extension}`),
  ...yamlExtensions.map((extension) => `nearside${extension}`),
]

/** A topology is a page or two of text: 254 regions stay far below this. */
const maxBytes = 256 * 1024
const accepted = 'nearside.config.ts (or .mts, .js, .mjs) or nearside.yaml (or .yml)'

export function fail(
  code: TopologyErrorCode,
  file: string,
  message: string,
  remedy?: string,
  cause?: unknown,
): never {
  throw new TopologyError(
    code,
    file,
    [{ path: '', message, ...(remedy === undefined ? {} : { remedy }) }],
    cause,
  )
}

const because: Record<string, string> = {
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  ELOOP: 'its symbolic links go in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENOTDIR: 'a part of its path is not a folder',
  EIO: 'the disk reports an error',
}

function refused(file: string, error: unknown): never {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (code === 'ENOENT' || code === 'ENOTDIR')
    fail(
      'topology_not_found',
      file,
      `expected ${accepted}, found no such file`,
      'check the path, or make one with: nearside init',
    )
  const remedy = code === 'EACCES' || code === 'EPERM' ? 'give this user the right to read it' : undefined
  fail(
    'topology_unreadable',
    file,
    because[code] ?? `cannot be read (${code || 'unknown error'})`,
    remedy,
    error,
  )
}

async function inFolder(folder: string): Promise<string> {
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    refused(folder, error)
  }
  const found = topologyNames.filter((name) => names.includes(name))
  if (found.length === 1) return join(folder, found[0]!)
  if (found.length > 1)
    fail(
      'topology_ambiguous',
      folder,
      `expected one topology file, found ${found.join(' and ')}`,
      'remove all but one, or say which one is meant',
    )
  const near = names.find((name) =>
    /^nearside(\.config)?\.(cts|cjs|json5?|jsonc|toml|tsx?|xml|ini)$/i.test(name),
  )
  if (near !== undefined)
    fail(
      'topology_format',
      join(folder, near),
      `expected ${accepted}`,
      formatRemedy(extname(near).toLowerCase()),
    )
  fail(
    'topology_not_found',
    folder,
    `expected ${accepted}, found none of them`,
    'go to the folder of your app, name the file, or make one with: nearside init',
  )
}

function formatRemedy(extension: string): string {
  if (extension === '.json') return 'JSON is valid YAML: rename it to nearside.yaml'
  if (extension === '.json5' || extension === '.jsonc')
    return 'write "export default" before it and rename it to nearside.config.js'
  if (extension === '.cjs' || extension === '.cts')
    return 'use export default and rename it to nearside.config.ts'
  return 'make one with: nearside init'
}

/** The absolute path of the topology file that a path or a folder means. */
export async function findTopology(pathOrFolder: string): Promise<string> {
  if (pathOrFolder === '') fail('topology_not_found', '(empty path)', `expected the path of ${accepted}`)
  if (pathOrFolder.includes('\0'))
    fail('topology_not_found', '(path)', 'expected a path without NUL characters')
  const path = resolve(pathOrFolder)
  let info: Stats
  try {
    info = await stat(path)
  } catch (error) {
    refused(path, error)
  }
  if (info.isDirectory() && !topologyNames.includes(basename(path))) return inFolder(path)
  return path
}

/** Text and extension of a topology file, after everything that makes a file no topology at all. */
export async function readTopology(file: string): Promise<{ text: string; extension: string }> {
  const extension = extname(file).toLowerCase()
  try {
    const info = await stat(file)
    if (info.isDirectory())
      fail(
        'topology_unreadable',
        file,
        'expected a file, found a folder',
        'remove the folder, or name the file',
      )
    // Reading a pipe or a device may never end.
    if (!info.isFile())
      fail(
        'topology_unreadable',
        file,
        'expected a regular file, found a device, a pipe or a socket',
        'write it to a file first',
      )
    if (![...moduleExtensions, ...yamlExtensions].includes(extension))
      fail(
        'topology_format',
        file,
        `expected ${accepted}, got ${extension === '' ? 'a file without extension' : `a ${extension} file`}`,
        formatRemedy(extension),
      )
    if (info.size > maxBytes)
      fail(
        'topology_unreadable',
        file,
        `expected at most 256 KB, got ${Math.ceil(info.size / 1024)} KB`,
        'a topology is a page of text: is this the right file?',
      )
    const handle = await open(file)
    try {
      return { text: decode(file, await handle.readFile()), extension }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof TopologyError) throw error
    refused(file, error)
  }
}

function decode(file: string, bytes: Buffer): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    fail('topology_unreadable', file, 'expected UTF-8 text, got UTF-16', 'save it as UTF-8')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    fail(
      'topology_unreadable',
      file,
      'expected UTF-8 text, got binary data or another encoding',
      'save it as UTF-8',
    )
  }
  if (text.includes('\0')) fail('topology_unreadable', file, 'expected text, got binary data')
  if (text.trim() === '')
    fail(
      'topology_syntax',
      file,
      'expected a topology, the file is empty',
      'make one with: nearside init --force',
    )
  return text
}
