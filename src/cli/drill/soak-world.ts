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

/** The world that a soak makes for itself. */

/** Told to the one that goes on in a lab's network: the folder of its world, and who takes it down. */
export const folderVariable = 'NEARSIDE_SOAK_FOLDER'
const program = modulePath('../main', import.meta.url)

/** A world of the example shop in a folder of its own, on a network of its own. */
export async function ownFolder(lab: boolean, base: string): Promise<string> {
  const appFolder = join(import.meta.dirname, '../../../examples/shop')
  const file = join(appFolder, 'nearside.config.ts')
  const { value } = await importTopology(file, (await readTopology(file)).text, 10_000)
  const example = value as TopologyInput
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nearside-soak-')))
  // Where users live matters to nobody here, and the table for it takes its time.
  const { steering: _, ...rest } = example
  const topology = {
    ...rest,
    ...(lab ? {} : { network: { base } }),
    app: { ...example.app, folder: appFolder },
  }
  // JSON is YAML.
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
  throw new NearsideError('soak_no_network', 'every network from 127.60 to 127.99 is in use', {
    remedy: 'nearside doctor',
  })
}

/** Starts it; the signal ends that, too. */
export const bringUp = (file: string, lab: boolean, signal: AbortSignal): Promise<void> =>
  nearside([...(lab ? ['lab', 'up', '--app-faults'] : ['up', '--detach']), '-t', file], signal)

/** Whatever there is of it: it may have been interrupted at any moment. */
export async function takeDown(
  file: string,
  folder: string,
  lab: boolean,
  output: Pick<Output, 'note'>,
): Promise<void> {
  output.note('Taking the world down')
  const below = join(folder, '.nearside')
  const worlds = existsSync(below) ? readdirSync(below) : []
  const begun = worlds.some((name) => existsSync(worldFile(join(below, name))))
  const down = () => nearside([...(lab ? ['lab', 'down'] : ['down']), '--purge', '--yes', '-t', file])
  if (begun) await down()
  // There may be a network before there is a world.
  else if (lab && worlds.length > 0) await down().catch(() => undefined)
  rmSync(folder, { recursive: true, force: true })
}

/** The command line itself, as its users have it; Ctrl-C in the terminal is ours to pass on. */
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
          remedy: 'its own words are above',
        }),
      )
    })
  })
}
