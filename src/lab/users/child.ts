import { constants, setPriority } from 'node:os'
import type { UserRequest } from './client/browser.ts'
import { type Progress, runJob, type UsersJob } from './job.ts'
import type { UsersResult } from './result.ts'

/** First line of the child's standard input. End of input stops the run. */
export type ChildInput = { job: UsersJob; wantsRequests: boolean }
/** One line of its standard output, as JSON. */
export type ChildOutput = { progress: Progress } | { requests: UserRequest[] } | { result: UsersResult }

/**
 * The load generator as a separate process: in the users' namespace, with an event loop of its own. It exits with its
 * parent, because its input ends then. Ctrl-C reaches only the parent, which decides how to react.
 */
async function main(): Promise<void> {
  const stopping = new AbortController()
  raisePriority()
  const { job, wantsRequests } = await firstLine(stopping)
  const send = (output: ChildOutput) => void process.stdout.write(`${JSON.stringify(output)}\n`)
  process.stdout.on('error', () => stopping.abort())
  let batch: UserRequest[] = []
  const flush = () => {
    if (batch.length === 0) return
    send({ requests: batch })
    batch = []
  }
  const flushing = wantsRequests ? setInterval(flush, 50) : undefined
  const result = await runJob(job, {
    signal: stopping.signal,
    onProgress: (progress) => send({ progress }),
    onRequest: wantsRequests ? (request) => void batch.push(request) : undefined,
  })
  clearInterval(flushing)
  flush()
  process.stdout.write(`${JSON.stringify({ result } satisfies ChildOutput)}\n`, () => process.exit(0))
}

/**
 * Real users have their own computers. On this one, a world under load uses every core, and a generator that waits for
 * CPU time would measure that. Raising the priority needs root; otherwise the report shows how late requests were sent.
 */
function raisePriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST)
  } catch {
    // Not root.
  }
}

function firstLine(stopping: AbortController): Promise<ChildInput> {
  return new Promise((resolve) => {
    let text = ''
    process.stdin.setEncoding('utf8')
    process.stdin.on('data', (part: string) => {
      const end = part.indexOf('\n')
      text += end < 0 ? part : part.slice(0, end)
      if (end >= 0) resolve(JSON.parse(text) as ChildInput)
    })
    process.stdin.on('end', () => stopping.abort())
    process.stdin.on('error', () => stopping.abort())
  })
}

await main()
