/** A command line, parsed as a shell would. The command includes a shell only if it needs one. */
type ParsedCommand = {
  /** Leading assignments, as in `NODE_ENV=production node …`. */
  env: Record<string, string>
  command: string[]
  /** More than one program: `&&`, a pipe, a background job. */
  compound: boolean
}

/** How to start one instance of the app. */
export type Start = {
  command: string[]
  env: Record<string, string>
  /** Where it was found, for messages: `package.json, script "start"`. */
  from: string
  /** True when no manifest names the command. */
  guess: boolean
  notes: string[]
}

const assignment = /^([A-Za-z_]\w*)=(.*)$/s

/** Splits into unquoted words; undefined when only a shell can run it (variables, patterns, several commands). */
function words(line: string): string[] | undefined {
  const result: string[] = []
  let word: string | undefined
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!
    if (character === "'") {
      const end = line.indexOf("'", i + 1)
      if (end === -1) return undefined
      word = (word ?? '') + line.slice(i + 1, end)
      i = end
    } else if (character === '"') {
      const end = /^"((?:[^"\\$`]|\\.)*)"/s.exec(line.slice(i))
      if (!end) return undefined
      word = (word ?? '') + end[1]!.replace(/\\(["\\$`])/g, '$1')
      i += end[0].length - 1
    } else if (character === '\\') {
      word = (word ?? '') + (line[++i] ?? '')
    } else if (/\s/.test(character)) {
      if (word !== undefined) result.push(word)
      word = undefined
    } else if (/[$`|&;<>()*?[\]{}~#!]/.test(character)) return undefined
    else word = (word ?? '') + character
  }
  if (word !== undefined) result.push(word)
  return result
}

/** Parses one line of a Procfile, a package.json script or a Dockerfile; undefined when it contains no command. */
export function parseCommand(line: string): ParsedCommand | undefined {
  const text = line
    .replaceAll('\0', '')
    .trim()
    .replace(/^exec\s+/, '')
  if (text === '') return undefined
  const env: Record<string, string> = {}
  const plain = words(text)
  if (plain === undefined) {
    const compound = /[|;&]|\n/.test(text.replace(/'[^']*'|"[^"]*"/g, ''))
    const single = assignment.test(text) ? `exec env ${text}` : `exec ${text}`
    return { env, command: ['sh', '-c', compound ? text : single], compound }
  }
  let start = plain[0] === 'cross-env' || plain[0] === 'env' ? 1 : 0
  for (; start < plain.length; start++) {
    const match = assignment.exec(plain[start]!)
    if (!match) break
    env[match[1]!] = match[2]!
  }
  const command = plain.slice(start).filter((word) => word !== '')
  return command.length === 0 ? undefined : { env, command, compound: false }
}

/** The script's name when a command only runs a script of package.json: `npm start`, `yarn run serve`. */
export function scriptOf(command: readonly string[]): string | undefined {
  const [program = '', verb = '', name = ''] = command
  if (!['npm', 'yarn', 'pnpm', 'bun'].includes(program)) return undefined
  if (verb === 'run' || verb === 'run-script') return name === '' || command.length > 3 ? undefined : name
  if (program === 'bun' || command.length > 2) return undefined
  return verb === 'start' || (program !== 'npm' && /^[a-z][\w:-]*$/.test(verb) && verb !== 'install')
    ? verb
    : undefined
}

/** A literal port in a command line. Every instance needs its own port, so the command must not contain one. */
export function fixedPort(command: readonly string[]): string | undefined {
  const text = command.join(' ')
  return /(?:(?:^|\s)(?:-p|--port|--http-port)[ =]?|\b(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::\]):)(\d{2,5})(?=\s|$|["'])/.exec(
    text,
  )?.[1]
}
