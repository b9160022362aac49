import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export type Ran = { code: number | null; stdout: string; stderr: string }

/** Runs the command line to its end, without a terminal. `inside` is a command prefix. */
export async function nearside(
  cwd: string,
  args: string[],
  env: Record<string, string> = {},
  inside: readonly string[] = [],
): Promise<Ran> {
  const [file, ...words] = [...inside, process.execPath, main, ...args]
  const child = spawn(file!, words, {
    cwd,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  )
  return { code, stdout, stderr }
}
