import { connect } from 'node:net'
import { httpStatus } from '../../lib/http.ts'
import type { Check } from '../../plan.ts'

/** Runs a command in the same way as the process that it checks; resolves to its exit code. */
export type Exec = (command: string[], env: Record<string, string>, timeoutMs: number) => Promise<number>

/** Checks a process once. Never throws and never takes longer than `timeoutMs`. */
export function passes(check: Check, address: string, timeoutMs: number, exec: Exec): Promise<boolean> {
  if (check.kind === 'exec') return exec(check.command, check.env ?? {}, timeoutMs).then((code) => code === 0)
  if (check.kind === 'tcp') return accepts(address, check, timeoutMs)
  return httpStatus({ host: address, port: check.port, path: check.path, timeoutMs }).then(
    (status) => status !== undefined && status >= check.expect.from && status <= check.expect.to,
  )
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
