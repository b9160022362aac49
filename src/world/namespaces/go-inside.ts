import { type ChildProcess, spawn } from 'node:child_process'
import { NearsideError } from '../../lib/errors.ts'
import { againIn } from './enter.ts'

export type Interrupt = {
  signal: AbortSignal
  /**
   * From now on it is this child that an interruption is meant for, and that speaks of it. It needs an IPC channel and
   * is told by it, also of what has come before: a signal that reaches a process while it loads would only end it.
   */
  handTo(child: ChildProcess): void
}

/**
 * This very command again, as a child inside a namespace; resolves to its exit code, or to undefined when it was
 * interrupted before it could listen, and so has done nothing yet.
 *
 * Commands that only look or ask are replaced (`enter`): an interruption simply ends them. One that makes things must
 * not lose it on the way, and whoever replaces itself does: what its handlers have taken and not yet told is forgotten,
 * and a signal that comes while its successor loads ends that, with what was made left behind. So the parent stays,
 * hears of everything, passes it on, and takes back what it has made itself.
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
    `the process of this command in ${namespace} was ended by ${by}`,
    {
      remedy: 'nearside doctor shows what it may have left',
    },
  )
}

const interruptions: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
