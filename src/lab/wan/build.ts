import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDir } from '../../../setup/paths.mjs'
import { sandboxCommand } from '../../engines/root/sandbox.ts'
import { NearsideError } from '../../lib/errors.ts'
import { identify } from '../../lib/proc.ts'

/** Static: it runs on the host, whose C library may be older than the engine root's. */
const flags = ['-std=gnu17', '-O2', '-Wall', '-Wextra', '-Werror', '-static']

/** The compiler comes with Varnish and has no other name in the root. */
const compilers: Record<string, string> = { x64: 'x86_64-linux-gnu-gcc', arm64: 'aarch64-linux-gnu-gcc' }

/**
 * Compiles the C files of a folder with the engine root's compiler in a sandbox. Caches the program in a folder named
 * after its sources, and renames it into place, so that concurrent builds are safe.
 */
export async function buildProgram(options: {
  name: string
  sourceFolder: string
  root: string
  env?: NodeJS.ProcessEnv
}): Promise<string> {
  const { name, sourceFolder, root, env = process.env } = options
  const sources = await readSources(sourceFolder)
  const hash = createHash('sha256')
    .update(JSON.stringify([flags, root, process.arch, sources]))
    .digest('hex')
  const folder = join(cacheDir(env), `${name}-${hash.slice(0, 12)}`)
  const program = join(folder, name)
  if (existsSync(program)) return program

  await removeAbandoned(name, env)
  const aside = `${folder}.making-${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await mkdir(aside, { recursive: true, mode: 0o755 })
    for (const [file, text] of sources) await writeFile(join(aside, file), text)
    const units = sources.map(([file]) => file).filter((file) => file.endsWith('.c'))
    await compile(root, aside, ['-o', name, ...units])
    await rename(aside, folder).catch((error) => {
      // Another build was faster, with the same result.
      if (!existsSync(program)) throw error
    })
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  return program
}

/** Removes the remains of killed builds. */
async function removeAbandoned(name: string, env: NodeJS.ProcessEnv): Promise<void> {
  const entries = await readdir(cacheDir(env)).catch(() => [])
  for (const entry of entries) {
    const maker = entry.startsWith(`${name}-`) ? /\.making-(\d+)-\w+$/.exec(entry)?.[1] : undefined
    if (maker !== undefined && !identify(Number(maker)))
      await rm(join(cacheDir(env), entry), { recursive: true, force: true })
  }
}

async function readSources(folder: string): Promise<[file: string, text: string][]> {
  const files = (await readdir(folder)).filter((file) => /\.[ch]$/.test(file)).sort()
  return Promise.all(
    files.map(async (file): Promise<[string, string]> => [file, await readFile(join(folder, file), 'utf8')]),
  )
}

async function compile(root: string, folder: string, args: readonly string[]): Promise<void> {
  const compiler = compilers[process.arch]
  if (!compiler || !existsSync(join(root, 'usr/bin', compiler)))
    throw new NearsideError('wan_no_compiler', `${root}: no C compiler for ${process.arch}`, {
      remedy: 'run any nearside command, which installs the engine root',
    })
  const {
    file,
    args: sandboxed,
    env,
  } = sandboxCommand({
    root,
    binds: [{ path: folder }],
    cwd: folder,
    env: {},
    command: [compiler, ...flags, ...args],
    lifetime: 'tied',
  })
  try {
    await promisify(execFile)(file, sandboxed, { env, cwd: folder, timeout: 120_000 })
  } catch (cause) {
    const { code, stderr } = cause as { code?: unknown; stderr?: string }
    if (code === 'ENOENT')
      throw new NearsideError('wan_no_compiler', 'bubblewrap, which runs the compiler, is not installed', {
        remedy: 'run `apt-get install bubblewrap`',
        cause,
      })
    throw new NearsideError('wan_build', `could not compile the shaper: ${stderr?.trim() || code}`, {
      cause,
    })
  }
}
