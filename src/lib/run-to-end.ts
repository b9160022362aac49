import { spawn } from 'node:child_process'

export type Run = {
  file: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  cwd: string
}

/** Runs a short command to completion, with stdout and stderr merged. Code 127 when it cannot be started. */
export function runToEnd(
  { file, args, env, cwd }: Run,
  timeoutMs: number,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: Math.ceil(timeoutMs),
      killSignal: 'SIGKILL',
    })
    const parts: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part))
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 128, output: Buffer.concat(parts).toString('utf8') }))
  })
}
