import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { worldFile } from '../../agent/layout.ts'
import { NearsideError } from '../../lib/errors.ts'
import { modulePath } from '../../lib/program.ts'
import { readTopology } from '../../topology/find.ts'
import { importTopology } from '../../topology/module.ts'
import type { TopologyInput } from '../../topology/schema.ts'
import type { Output } from '../output.ts'

/** The temporary world that a soak creates. */

/** Set for the process inside a lab's network: the world's folder, which its parent removes. */
export const folderVariable = 'NEARSIDE_SOAK_FOLDER'
const program = modulePath('../main', import.meta.url)

/** A world of the example shop in its own folder and on its own network. */
export async function ownFolder(lab: boolean, base: string): Promise<string> {
  const appFolder = join(import.meta.dirname, '../../../examples/shop')
  const file = join(appFolder, 'nearside.config.ts')
  const { value } = await importTopology(file, (await readTopology(file)).text, 10_000)
  const example = value as TopologyInput
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nearside-soak-')))
  // No GeoIP databases: user locations do not matter here, and the steering table takes time.
  const { steering: _, ...rest } = example
  const topology = {
    ...rest,
    ...(lab ? {} : { network: { base } }),
    app: { ...example.app, folder: appFolder },
  }
  // JSON is valid YAML.
  writeFileSync(join(folder, 'nearside.yaml'), JSON.stringify(topology, null, 2))
  return folder
}

export async function freeBase(): Promise<string> {
  for (let second = 60; second < 100; second += 1) {
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen(2379, `127.${second}.1.1`, () => server.close(() => resolve(true)))
    })
    if (free && second !== 77) return `127.${second}`
  }
  throw new NearsideError('soak_no_network', 'all networks from 127.60 to 127.99 are in use', {
    remedy: 'run `nearside doctor` to find worlds that still use them',
  })
}

/** Starts it; the signal aborts the start. */
export const bringUp = (file: string, lab: boolean, signal: AbortSignal): Promise<void> =>
  nearside([...(lab ? ['lab', 'up', '--app-faults'] : ['up', '--detach']), '-t', file], signal)

/** Removes whatever exists of it: the soak may have been interrupted at any point. */
export async function takeDown(
  file: string,
  folder: string,
  lab: boolean,
  output: Pick<Output, 'note'>,
): Promise<void> {
  output.note('Removing the soak’s world')
  const below = join(folder, '.nearside')
  const worlds = existsSync(below) ? readdirSync(below) : []
  const begun = worlds.some((name) => existsSync(worldFile(join(below, name))))
  const down = () => nearside([...(lab ? ['lab', 'down'] : ['down']), '--purge', '--yes', '-t', file])
  if (begun) await down()
  // The network may exist before the world does.
  else if (lab && worlds.length > 0) await down().catch(() => undefined)
  rmSync(folder, { recursive: true, force: true })
}

/** Runs the command line as a user would. We forward Ctrl-C ourselves. */
function nearside(args: string[], signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: true,
    })
    const end = () => void child.kill('SIGTERM')
    if (signal?.aborted) end()
    signal?.addEventListener('abort', end, { once: true })
    child.on('error', reject)
    child.on('exit', (code, by) => {
      signal?.removeEventListener('abort', end)
      if (code === 0) return resolve()
      reject(
        new NearsideError('soak_world', `nearside ${args.join(' ')}: ${by ?? `exit ${code}`}`, {
          remedy: 'see its output above',
        }),
      )
    })
  })
}
