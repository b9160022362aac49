import { spawn } from 'node:child_process'
import { locateEngineRoot } from '../../engines/root/locate.ts'
import { unsandboxedCommand } from '../../engines/root/unsandboxed.ts'
import { NearsideError } from '../../lib/errors.ts'

/** Uses the engine root's `ip`: the host may lack one, and its version would vary. */

type Ran = { code: number; stdout: string; stderr: string }

const limitMs = 20_000

/** Runs a short command with `input` on its standard input. Exit code 127 if it cannot be started. */
export function runWith(command: readonly string[], input = ''): Promise<Ran> {
  const [file, ...args] = command
  return new Promise((resolve) => {
    const child = spawn(file!, args, {
      cwd: '/',
      // A session of its own: Ctrl-C in the terminal must reach only us, because we undo what has been done.
      detached: true,
      // We parse its messages, so they must not be localized.
      env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
    })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.stdin.on('error', () => undefined)
    child.on('error', (error) => resolve({ code: 127, stdout, stderr: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 128, stdout, stderr }))
    child.stdin.end(input)
  })
}

/** Runs `ip` with these arguments, whatever its exit code. */
export const tryIp = (args: readonly string[], input?: string): Promise<Ran> =>
  runWith(unsandboxedCommand(locateEngineRoot().path, 'ip', args), input)

/** The output of `ip`; throws with the command line if it fails. */
export async function ip(args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await tryIp(args, input)
  if (code === 0) return stdout
  throw new NearsideError(
    'lab_network_failed',
    `ip ${args.join(' ')}: ${failure(stderr, input) || `exit ${code}`}`,
    {
      remedy:
        'run `nearside lab down`, then `nearside lab up`; `nearside doctor` shows the requirements of a lab',
    },
  )
}

/** Runs many commands in one namespace with one process; stops at the first failure. */
export const ipBatch = (namespace: string, lines: readonly string[]): Promise<string> =>
  ip(['-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`)

/** Replaces `Command failed -:3`, which refers to an input line that the reader cannot see, by that line. */
function failure(stderr: string, input = ''): string {
  const line = /Command failed [^\n]*:(\d+)/.exec(stderr)?.[1]
  const said = stderr.replace(/Command failed [^\n]*/, '').trim()
  return line === undefined ? said : `${said} (${input.split('\n')[Number(line) - 1]})`
}
