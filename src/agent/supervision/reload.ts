import { join } from 'node:path'
import { messageOf } from '../../lib/errors.ts'
import { askUnixSocket } from '../../lib/unix-socket.ts'
import type { PlanProcess, Reload } from '../../plan.ts'
import { type Run, runToEnd } from './check.ts'

/** On a busy machine HAProxy takes a second, and Varnish has its rules compiled. */
const reloadMs = 30_000

/** The lines that tell; an engine's own account of a reload can be long. */
const longestWhy = 2_000

/** How a command is run as a process is; see `Launcher`. */
type Dress = (run: PlanProcess['run'], command: string[], env: Record<string, string>, cwd?: string) => Run

/** Resolves to why the engine refuses its new files, undefined when they are in force. Never throws. */
export async function reload(
  process: PlanProcess,
  how: Reload,
  folder: string,
  { dress }: { dress: Dress },
): Promise<string | undefined> {
  if (how.kind === 'exec') {
    const run = dress(process.run, how.command, process.env, process.cwd)
    const { code, output } = await runToEnd(run, reloadMs)
    return code === 0 ? undefined : shortened(output) || `exit ${code}`
  }
  try {
    const answer = await askUnixSocket(join(folder, how.path), how.say, reloadMs)
    return answer.startsWith(how.hear) ? undefined : shortened(answer) || 'it did not answer'
  } catch (error) {
    return messageOf(error)
  }
}

/** HAProxy marks what matters; others say little else. */
function shortened(said: string): string {
  const lines = said.split('\n').filter((line) => line.trim() !== '')
  const alerts = lines.filter((line) => line.startsWith('[ALERT]'))
  return (alerts.length > 0 ? alerts : lines).join('\n').slice(0, longestWhy)
}
