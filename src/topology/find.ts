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

/** A topology is a page or two of text; even 254 regions stay far below this. */
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

const reasons: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'too many levels of symbolic links',
  ENAMETOOLONG: 'file name too long',
  EIO: 'disk I/O error',
}

function refused(file: string, error: unknown): never {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (code === 'ENOENT' || code === 'ENOTDIR')
    fail(
      'topology_not_found',
      file,
      `expected ${accepted}, but there is no such file`,
      'check the path, or create one with: nearside init',
    )
  const remedy = code === 'EACCES' || code === 'EPERM' ? 'make the file readable for this user' : undefined
  fail(
    'topology_unreadable',
    file,
    reasons[code] ?? `cannot be read (${code || 'unknown error'})`,
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
      'remove all but one, or select one with --topology FILE',
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
    'change to the folder of your app, select a file with --topology FILE, or create one with: nearside init',
  )
}

function formatRemedy(extension: string): string {
  if (extension === '.json') return 'JSON is valid YAML: rename it to nearside.yaml'
  if (extension === '.json5' || extension === '.jsonc')
    return 'put "export default" in front of it and rename it to nearside.config.js'
  if (extension === '.cjs' || extension === '.cts')
    return 'use "export default" and rename it to nearside.config.ts'
  if (extension === '.toml' || extension === '.ini' || extension === '.xml')
    return 'rewrite it as YAML in nearside.yaml, or remove it and create one with: nearside init'
  return 'pass a topology file, or the folder that contains one'
}

/** Absolute path of the topology file at the path or in the folder. */
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

/** Text and extension of a topology file. Refuses whatever cannot be a topology: folders, devices, binary data, … */
export async function readTopology(file: string): Promise<{ text: string; extension: string }> {
  const extension = extname(file).toLowerCase()
  try {
    const info = await stat(file)
    if (info.isDirectory())
      fail(
        'topology_unreadable',
        file,
        'expected a file, found a folder',
        'remove the folder, or pass the path of a file',
      )
    // Reading from a pipe or a device might never finish.
    if (!info.isFile())
      fail(
        'topology_unreadable',
        file,
        'expected a regular file, found a device, a pipe or a socket',
        'save the topology to a file first',
      )
    if (![...moduleExtensions, ...yamlExtensions].includes(extension))
      fail(
        'topology_format',
        file,
        `expected ${accepted}, got ${extension === '' ? 'a file without an extension' : `a ${extension} file`}`,
        formatRemedy(extension),
      )
    if (info.size > maxBytes)
      fail(
        'topology_unreadable',
        file,
        `expected at most 256 KB, got ${Math.ceil(info.size / 1024)} KB`,
        'check that this is the right file: a topology is a page or two of text',
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
      'expected a topology, but the file is empty',
      'create one with: nearside init --force',
    )
  return text
}
