import { fork } from 'node:child_process'
import { modulePath } from '../lib/program.ts'
import type { ModuleJob, ModuleReport } from './module-child.ts'
import { unpacked } from './module-value.ts'
import { type Problem, TopologyError } from './problems.ts'
import type { Source } from './yaml.ts'

/** For the start of Node, which is not the topology's own time. */
const startMs = 20_000

/**
 * Runs a topology written in TypeScript or JavaScript and returns its default export.
 *
 * In a process of its own (decision 61): an endless loop can be ended, whatever it prints goes to standard error, and a
 * timer that it leaves open, an environment variable or a folder that it changes do not concern the command.
 */
export async function importTopology(file: string, text: string, timeoutMs: number): Promise<Source> {
  const report = await reportOf({ file, text }, timeoutMs)
  if (report.kind === 'value') return { value: unpacked(report.value) }
  throw new TopologyError('topology_syntax', file, [report.problem])
}

type End = Exclude<ModuleReport, { kind: 'running' }>

const failed = (how: string): End => ({
  kind: 'problem',
  problem: { path: '', message: `failed while running: ${how}` } satisfies Problem,
})

function reportOf(job: ModuleJob, timeoutMs: number): Promise<End> {
  return new Promise((resolve) => {
    const child = fork(modulePath('./module-child', import.meta.url), [], {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    const end = (report: End) => {
      clearTimeout(timer)
      child.removeAllListeners()
      child.on('error', () => undefined)
      child.kill('SIGKILL')
      resolve(report)
    }
    const late = () => end(failed(`it did not finish within ${timeoutMs / 1000} s`))
    let timer = setTimeout(late, timeoutMs + startMs)
    child.on('message', (report: ModuleReport) => {
      if (report.kind !== 'running') return end(report)
      clearTimeout(timer)
      timer = setTimeout(late, timeoutMs)
    })
    child.on('error', (error) => end(failed(error.message)))
    child.on('exit', (code, signal) => end(failed(`its process ended (${signal ?? `exit ${code}`})`)))
    child.send(job)
  })
}
