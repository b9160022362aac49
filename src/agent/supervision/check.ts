import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { httpStatus } from '../../lib/http.ts'
import type { Check } from '../../plan.ts'

/** Runs a command as the process that it belongs to is run; resolves to its exit code. */
export type Exec = (command: string[], env: Record<string, string>, timeoutMs: number) => Promise<number>

/** One question to one process; never throws, never takes longer than `timeoutMs`. */
export function passes(check: Check, address: string, timeoutMs: number, exec: Exec): Promise<boolean> {
  if (check.kind === 'exec') return exec(check.command, check.env ?? {}, timeoutMs).then((code) => code === 0)
  if (check.kind === 'tcp') return accepts(address, check, timeoutMs)
  return httpStatus({ host: address, port: check.port, path: check.path, timeoutMs }).then(
    (status) => status !== undefined && check.expect.includes(status),
  )
}

function accepts(
  address: string,
  { port, say, hear = [] }: Extract<Check, { kind: 'tcp' }>,
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    // Not the socket's own timeout, which begins anew with every byte.
    const timer = setTimeout(() => done(false), timeoutMs)
    const done = (answer: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    let heard = ''
    socket.on('connect', () => (say === undefined ? done(true) : socket.write(say)))
    socket.on('data', (part: Buffer) => {
      heard += part.toString('latin1')
      if (hear.some((word) => heard.startsWith(word))) done(true)
      else if (!hear.some((word) => word.startsWith(heard))) done(false)
    })
    socket.on('error', () => done(false))
    socket.on('close', () => done(false))
  })
}

export type Run = {
  file: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  cwd: string
}

/** Runs a short command to its end; both outputs together. Code 127 when it cannot be started. */
export function runToEnd(
  { file, args, env, cwd }: Run,
  timeoutMs: number,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    const parts: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part))
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 128, output: Buffer.concat(parts).toString('utf8') }))
  })
}
