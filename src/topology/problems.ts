import { NearsideError } from '../lib/errors.ts'

export type Key = string | number

/** Result of a rule: the path, the expectation and what was found, and a remedy. */
export type Finding = {
  at: readonly Key[]
  message: string
  remedy?: string
  /** The error's code if this is the only finding. */
  code?: TopologyErrorCode
}

/** A finding for people and programs to read. `path` is empty when the problem concerns the file as a whole. */
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
  | 'topology_not_found'
  /** More than one topology file in the folder. */
  | 'topology_ambiguous'
  /** The file cannot be read: permissions, a folder, a device, too large, not text. */
  | 'topology_unreadable'
  /** The file format is not accepted. */
  | 'topology_format'
  /** Invalid TypeScript, JavaScript or YAML, or code that failed while running. */
  | 'topology_syntax'
  /** Readable, but some values are not valid. */
  | 'topology_invalid'
  /** The only problem is that fewer than three or an even number of regions vote. */
  | 'topology_no_majority'

/** All problems of one topology file. */
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
