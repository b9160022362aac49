import { type ChildProcess, spawn } from 'node:child_process'
import { NearsideError } from '../../lib/errors.ts'
import { againIn } from './enter.ts'

export type Interrupt = {
  signal: AbortSignal
  /**
   * Forwards interrupts to this child, past ones included, and lets it report them. Needs an IPC channel: a signal
   * would kill a process that is still loading.
   */
  handTo(child: ChildProcess): void
}

/**
 * Runs this command again as a child inside a namespace. Resolves to the child's exit code, or to undefined if it was
 * interrupted before it could handle signals and so has done nothing.
 *
 * Read-only commands are replaced instead (`enter`): an interrupt simply ends them. A command that creates things must
 * not lose an interrupt. A process that replaces itself does: signals that its handlers have received but not yet acted
 * on are lost, and a signal during the load of its successor kills that and leaves what was created behind. So the
 * parent stays, receives every signal, forwards it, and reverts what it created itself.
 */
export async function goInside(
  namespace: string,
  interrupt: Pick<Interrupt, 'handTo'>,
  env: NodeJS.ProcessEnv = {},
): Promise<number | undefined> {
  const { file, args } = againIn(namespace)
  const child = spawn(file, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  })
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (...how) => resolve(how))
  })
  interrupt.handTo(child)
  const [code, by] = await ended
  if (code !== null) return code
  if (interruptions.includes(by!)) return undefined
  throw new NearsideError(
    'command_killed',
    `the process of this command in ${namespace} was killed by ${by}`,
    {
      remedy: 'run `nearside doctor` to find leftovers',
    },
  )
}

const interruptions: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
