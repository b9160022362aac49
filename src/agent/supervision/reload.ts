import { join } from 'node:path'
import { messageOf } from '../../lib/errors.ts'
import { type Run, runToEnd } from '../../lib/run-to-end.ts'
import { askUnixSocket } from '../../lib/unix-socket.ts'
import type { PlanProcess, Reload } from '../../plan.ts'

/** Generous: on a busy machine HAProxy takes a second, and Varnish has to compile its VCL. */
const reloadMs = 60_000

/** Maximum length of an error, since an engine's output of a failed reload can be long. */
const maxErrorLength = 2_000

/** See `Launcher`. */
type Prepare = (run: PlanProcess['run'], command: string[], env: Record<string, string>, cwd?: string) => Run

/** Resolves to the engine's error if it refuses its new files, or to undefined once it uses them. Never throws. */
export async function reload(
  process: PlanProcess,
  how: Reload,
  folder: string,
  { prepare }: { prepare: Prepare },
): Promise<string | undefined> {
  if (how.kind === 'exec') {
    const run = prepare(process.run, how.command, process.env, process.cwd)
    const { code, output } = await runToEnd(run, reloadMs)
    return code === 0 ? undefined : shortened(output) || `exit ${code}`
  }
  try {
    const answer = await askUnixSocket(join(folder, how.path), how.send, reloadMs)
    return answer.startsWith(how.expect) ? undefined : shortened(answer) || 'no answer'
  } catch (error) {
    return messageOf(error)
  }
}

/** Only HAProxy's alerts, if there are any. Other engines print little else than the error. */
function shortened(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const alerts = lines.filter((line) => line.startsWith('[ALERT]'))
  return (alerts.length > 0 ? alerts : lines).join('\n').slice(0, maxErrorLength)
}
