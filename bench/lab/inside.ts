import { type ChildProcess, spawn } from 'node:child_process'
import { locateEngineRoot } from '../../src/engines/root/locate.ts'
import { sandboxCommand } from '../../src/engines/root/sandbox.ts'

export type Running = { child: ChildProcess; said: () => string }

export type InsideOptions = {
  /** Command prefix that runs a command in a region's network; empty for this one. */
  inside: readonly string[]
  /** The only folder of this machine that the program sees. */
  folder: string
  env?: Record<string, string>
  command: readonly string[]
}

const mostSaid = 20_000

/** Runs a program of the engine root in a region's network. It exits with this process at the latest. */
export function runInside({ inside, folder, env = {}, command }: InsideOptions): Running {
  const sandbox = sandboxCommand({
    root: locateEngineRoot().path,
    binds: [{ path: folder }],
    ...{ cwd: folder, env, command, lifetime: 'tied' as const },
  })
  const [file, ...args] = [...inside, sandbox.file, ...sandbox.args]
  const child = spawn(file!, args, {
    // `inside` runs programs of this machine from PATH.
    env: { ...sandbox.env, PATH: `${sandbox.env.PATH}:/sbin:/bin` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-mostSaid)
    })
  return { child, said: () => said }
}

/** Resolves when it has exited successfully. */
export async function toEnd(name: string, { child, said }: Running): Promise<void> {
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  if (status !== 0) throw new Error(`${name}: exited with ${status}\n${said()}`)
}
