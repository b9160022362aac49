import type { Finding, Key } from './problems.ts'
import { repair } from './repair.ts'
import { appRules } from './rules/app.ts'
import { cdnRules } from './rules/cdn.ts'
import { databaseRules } from './rules/database.ts'
import { nameRules } from './rules/names.ts'
import { networkRules } from './rules/network.ts'
import { parameterRules } from './rules/parameters.ts'
import { regionRules } from './rules/regions.ts'
import type { Rule } from './rules/rule.ts'
import { writeRules } from './rules/writes.ts'
import { type Topology, topologySchema } from './schema.ts'
import { translate } from './translate.ts'

const rules: Rule[] = [
  ...nameRules,
  ...networkRules,
  ...regionRules,
  ...appRules,
  ...writeRules,
  ...databaseRules,
  ...cdnRules,
  ...parameterRules,
]

/** Whether the refused value at `bad` is, contains or (if the pattern ends in `.**`) is part of a matching value. */
function touches(pattern: string, bad: readonly Key[]): boolean {
  const deep = pattern.endsWith('.**')
  const parts = pattern.replace(/\.\*\*$/, '').split('.')
  if (bad.length > parts.length && !deep) return false
  return parts.slice(0, bad.length).every((part, i) => part === '*' || part === String(bad[i]))
}

/** Applies the rules that span several fields; needs no disk. `bad`: paths whose values the schema refused. */
function checkTopology(
  topology: Topology,
  bad: readonly (readonly Key[])[] = [],
): { problems: Finding[]; warnings: Finding[] } {
  const problems: Finding[] = []
  const warnings: Finding[] = []
  for (const rule of rules) {
    const silenced = bad.some((path) => rule.reads.some((pattern) => touches(pattern, path)))
    if (!silenced) (rule.level === 'warning' ? warnings : problems).push(...rule.find(topology))
  }
  return { problems, warnings }
}

type Validated = {
  /** Only without problems. */
  topology?: Topology
  problems: Finding[]
  warnings: Finding[]
  /** The valid part of the input, for the checks that read the disk; values at `bad` are placeholders or defaults. */
  readable?: { topology: Topology; bad: readonly (readonly Key[])[] }
}

/** Every check that needs no disk: the schema's problems and those of the rules together. */
export function validate(input: unknown): Validated {
  const parsed = topologySchema.safeParse(input)
  if (parsed.success) {
    const { problems, warnings } = checkTopology(parsed.data)
    const readable = { topology: parsed.data, bad: [] }
    return { ...(problems.length === 0 ? { topology: parsed.data } : {}), problems, warnings, readable }
  }
  const problems = parsed.error.issues.flatMap((issue) => translate(issue, input).findings)
  const repaired = repair(input)
  if (!repaired) return { problems, warnings: [] }
  const checked = checkTopology(repaired.topology, repaired.bad)
  return { problems: [...problems, ...checked.problems], warnings: checked.warnings, readable: repaired }
}
