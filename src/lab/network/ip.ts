import { spawn } from 'node:child_process'
import { locateEngineRoot } from '../../engines/root/locate.ts'
import { unsandboxedCommand } from '../../engines/root/unsandboxed.ts'
import { NearsideError } from '../../lib/errors.ts'

/** The engine root's `ip`: a host need not have one, and every machine's is the same. */

type Ran = { code: number; stdout: string; stderr: string }

const limitMs = 20_000

/** Runs a short command to its end, with `input` as its standard input. Code 127 when it cannot be started. */
export function runWith(command: readonly string[], input = ''): Promise<Ran> {
  const [file, ...args] = command
  return new Promise((resolve) => {
    const child = spawn(file!, args, {
      cwd: '/',
      // A session of its own: a terminal's Ctrl-C is for us, who then undo what is done, not half of it.
      detached: true,
      // Messages are read by us: not in the operator's language.
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

/** `ip` with these arguments, whatever it answers. */
export const tryIp = (args: readonly string[], input?: string): Promise<Ran> =>
  runWith(unsandboxedCommand(locateEngineRoot().path, 'ip', args), input)

/** What `ip` printed; an error that says what was tried when it does not succeed. */
export async function ip(args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await tryIp(args, input)
  if (code === 0) return stdout
  throw new NearsideError(
    'lab_network_failed',
    `ip ${args.join(' ')}: ${failure(stderr, input) || `exit ${code}`}`,
    {
      remedy: 'nearside lab down, then nearside lab up; nearside doctor shows what a lab needs',
    },
  )
}

/** Many commands in one namespace by one process; it ends at the first that fails. */
export const ipBatch = (namespace: string, lines: readonly string[]): Promise<string> =>
  ip(['-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`)

/** `Command failed -:3` names a line that the reader cannot see: shows it. */
function failure(stderr: string, input = ''): string {
  const line = /Command failed [^\n]*:(\d+)/.exec(stderr)?.[1]
  const said = stderr.replace(/Command failed [^\n]*/, '').trim()
  return line === undefined ? said : `${said} (${input.split('\n')[Number(line) - 1]})`
}
