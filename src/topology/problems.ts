import { NearsideError } from '../lib/errors.ts'

export type Key = string | number

/** What a rule reports: where, what was expected and found, what to do. */
export type Finding = {
  at: readonly Key[]
  message: string
  remedy?: string
  /** The error's code when nothing else is found. */
  code?: TopologyErrorCode
}

/** A finding as people and programs read it. `path` is empty when the file as a whole is meant. */
export type Problem = { path: string; message: string; remedy?: string; line?: number; column?: number }

/** `['regions', 'us-east', 'static', 0]` → `regions.us-east.static[0]`; odd keys are quoted. */
export function pathText(keys: readonly Key[]): string {
  let text = ''
  for (const key of keys) {
    if (typeof key === 'number') text += `[${key}]`
    else if (/^[A-Za-z_][\w-]*$/.test(key)) text += text === '' ? key : `.${key}`
    else text += `[${JSON.stringify(key)}]`
  }
  return text
}

export type Place = { line: number; column: number }

export function toProblem(finding: Finding, locate?: (at: readonly Key[]) => Place | undefined): Problem {
  const place = locate?.(finding.at)
  return {
    path: pathText(finding.at),
    message: finding.message,
    ...(finding.remedy === undefined ? {} : { remedy: finding.remedy }),
    ...(place ?? {}),
  }
}

/** `regions.us-east.role (line 7, column 5): expected …`, on one line. */
export function problemText(problem: Problem): string {
  const place = problem.line === undefined ? '' : `line ${problem.line}, column ${problem.column ?? 1}`
  const where = problem.path === '' ? place : place === '' ? problem.path : `${problem.path} (${place})`
  return where === '' ? problem.message : `${where}: ${problem.message}`
}

export type TopologyErrorCode =
  /** No topology file where one was looked for, or more than one. */
  | 'topology_not_found'
  | 'topology_ambiguous'
  /** The file cannot be read: permissions, a folder, a device, too large, not text. */
  | 'topology_unreadable'
  /** A format that is not accepted. */
  | 'topology_format'
  /** Not valid TypeScript, JavaScript or YAML, or it failed while it ran. */
  | 'topology_syntax'
  /** It was read, and says something that cannot be. */
  | 'topology_invalid'
  /** Fewer than three or an even number of voting regions, and nothing else. */
  | 'topology_no_majority'

/** Every problem of one topology file, together. */
export class TopologyError extends NearsideError {
  readonly file: string
  readonly problems: readonly Problem[]

  constructor(code: TopologyErrorCode, file: string, problems: readonly Problem[], cause?: unknown) {
    const [first] = problems
    if (problems.length === 1 && first)
      super(code, `${file}: ${problemText(first)}`, { remedy: first.remedy, cause })
    else {
      const lines = problems.map((one) => `  ${problemText(one)}${one.remedy ? `\n    ${one.remedy}` : ''}`)
      super(code, [`${file}: ${problems.length} problems`, ...lines].join('\n'), { cause })
    }
    this.name = 'TopologyError'
    this.file = file
    this.problems = problems
  }
}
