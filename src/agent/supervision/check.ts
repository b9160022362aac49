import { connect } from 'node:net'
import { HttpError, responseStatus } from '../../lib/http.ts'
import type { Check } from '../../plan.ts'

/** Runs a command in the same way as the process that it checks; resolves to its exit code. */
export type Exec = (command: string[], env: Record<string, string>, timeoutMs: number) => Promise<number>

/** `why`: what was tried and what came of it; undefined when the check's command has nothing to add. */
export type CheckResult = { passed: true } | { passed: false; why?: string }

/** Checks a process once. Never throws and never takes longer than `timeoutMs`. */
export async function runCheck(
  check: Check,
  address: string,
  timeoutMs: number,
  exec: Exec,
): Promise<CheckResult> {
  if (check.kind === 'exec') return { passed: (await exec(check.command, check.env ?? {}, timeoutMs)) === 0 }
  if (check.kind === 'http') return answersHttp(address, check, timeoutMs)
  const passed = await accepts(address, check, timeoutMs)
  return passed ? { passed } : { passed, why: `no expected answer on ${address}:${check.port}` }
}

async function answersHttp(
  host: string,
  { port, path, expect }: Extract<Check, { kind: 'http' }>,
  timeoutMs: number,
): Promise<CheckResult> {
  try {
    const status = await responseStatus({ host, port, path, timeoutMs })
    if (status >= expect.from && status <= expect.to) return { passed: true }
    return { passed: false, why: `GET ${path} answered ${status}` }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    if (error.code === 'http_refused') return { passed: false, why: `nothing listens on ${host}:${port}` }
    const how =
      error.code === 'http_timeout'
        ? `had no answer within ${timeoutMs / 1000} s`
        : `had no complete answer (${error.reason})`
    return { passed: false, why: `GET ${path} on ${host}:${port} ${how}` }
  }
}

function accepts(
  address: string,
  { port, send, expect = [] }: Extract<Check, { kind: 'tcp' }>,
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    // Not the socket's own timeout, which every byte resets.
    const timer = setTimeout(() => done(false), timeoutMs)
    const done = (answer: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    let received = ''
    socket.on('connect', () => (send === undefined ? done(true) : socket.write(send)))
    socket.on('data', (part: Buffer) => {
      received += part.toString('latin1')
      if (expect.some((start) => received.startsWith(start))) done(true)
      else if (!expect.some((start) => start.startsWith(received))) done(false)
    })
    socket.on('error', () => done(false))
    socket.on('close', () => done(false))
  })
}
