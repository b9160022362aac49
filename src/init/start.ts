import { fixedPort, parseCommand, type Start, scriptOf } from './command.ts'
import type { Folder } from './folder.ts'
import { fromLanguage } from './languages.ts'
import { type Package, readDockerfile, readProcfile } from './manifests.ts'

const entries = ['server', 'index', 'app', 'main', 'src/server', 'src/index', 'src/app', 'src/main'].flatMap(
  (name) => [`${name}.ts`, `${name}.js`, `${name}.mjs`, `${name}.mts`],
)

/** npm scripts find programs in node_modules/.bin, which is not on PATH here, so it prefixes the path. */
async function withLocalBin(folder: Folder, command: string[]): Promise<string[]> {
  const [program = '', ...rest] = command
  if (program === 'sh' && rest[0] === '-c') {
    const text = rest[1] ?? ''
    const match = /^(exec (?:env (?:\w+=\S* )+)?)([\w.-]+)/.exec(text)
    if (!match || !(await folder.isFile(`node_modules/.bin/${match[2]}`))) return command
    return ['sh', '-c', `${match[1]}./node_modules/.bin/${text.slice(match[1]!.length)}`]
  }
  if (program.includes('/') || !(await folder.isFile(`node_modules/.bin/${program}`))) return command
  return [`./node_modules/.bin/${program}`, ...rest]
}

async function fromScript(
  folder: Folder,
  pack: Package,
  script: string,
  seen: string[] = [],
): Promise<Start | undefined> {
  const line = Object.hasOwn(pack.scripts, script) ? pack.scripts[script]! : undefined
  // As `npm start` does without a start script.
  if (line === undefined && script === 'start' && (await folder.isFile('server.js')))
    return { command: ['node', 'server.js'], env: {}, from: 'server.js', guess: true, notes: [] }
  const parsed = line === undefined ? undefined : parseCommand(line)
  if (!parsed) return undefined
  const from = `package.json, script "${script}"`
  const inner = scriptOf(parsed.command)
  if (inner !== undefined && !seen.includes(inner)) {
    const deeper = await fromScript(folder, pack, inner, [...seen, script])
    return deeper && { ...deeper, env: { ...parsed.env, ...deeper.env } }
  }
  if (parsed.compound)
    return {
      command: script === 'start' ? ['npm', 'start'] : ['npm', 'run', script],
      env: {},
      from,
      guess: false,
      notes: [
        `script "${script}" runs several commands; set app.command to the last of them, and build before you start`,
      ],
    }
  return {
    command: await withLocalBin(folder, parsed.command),
    env: parsed.env,
    from,
    guess: false,
    notes: [],
  }
}

async function resolved(
  folder: Folder,
  pack: Package | undefined,
  line: string,
  from: string,
): Promise<Start | undefined> {
  const parsed = parseCommand(line)
  if (!parsed) return undefined
  const script = scriptOf(parsed.command)
  const inner = script !== undefined && pack ? await fromScript(folder, pack, script) : undefined
  if (inner) return { ...inner, env: { ...parsed.env, ...inner.env }, from: `${from} → ${inner.from}` }
  return {
    command: await withLocalBin(folder, parsed.command),
    env: parsed.env,
    from,
    guess: false,
    notes: [],
  }
}

const shell = (line: string, from: string): Start => ({
  command: ['sh', '-c', line],
  env: {},
  from,
  guess: true,
  notes: [],
})

async function fromFramework(folder: Folder): Promise<Start | undefined> {
  if (await folder.isFile('bin/rails'))
    return shell('exec bin/rails server -b "$HOST" -p "$PORT"', 'bin/rails')
  if (await folder.isFile('manage.py'))
    for (const name of await folder.folders())
      if (/^\w+$/.test(name) && (await folder.isFile(`${name}/wsgi.py`)))
        return shell(`exec gunicorn ${name}.wsgi --bind "$HOST:$PORT"`, `manage.py and ${name}/wsgi.py`)
  return undefined
}

/** Finds the start command, in the most explicit source: Procfile, package.json, framework, Dockerfile, a lone file. */
export async function findStart(folder: Folder, pack: Package | undefined): Promise<Start | undefined> {
  const web = (await readProcfile(folder)).get('web')
  const start =
    (web === undefined ? undefined : await resolved(folder, pack, web, 'Procfile, web')) ??
    (pack && (await fromScript(folder, pack, 'start'))) ??
    (await fromFramework(folder)) ??
    (await fromDocker(folder, pack)) ??
    // Beside a language of its own, package.json often lists only tools of the frontend.
    (pack === undefined ? await fromLanguage(folder) : undefined) ??
    (await fromEntry(folder, pack)) ??
    (await fromLanguage(folder)) ??
    (pack && (await fromDev(folder, pack)))
  const port = start && fixedPort(start.command)
  if (start && port !== undefined)
    start.notes.push(
      `the command names port ${port}, but every instance needs its own: use PORT, for example ["sh", "-c", "exec … \\"$PORT\\""]`,
    )
  return start
}

async function fromDocker(folder: Folder, pack: Package | undefined): Promise<Start | undefined> {
  const { command } = await readDockerfile(folder)
  if (command === undefined) return undefined
  if (typeof command === 'string') return resolved(folder, pack, command, 'Dockerfile')
  const script = scriptOf(command)
  const inner = script !== undefined && pack ? await fromScript(folder, pack, script) : undefined
  const plain = command.map((part) => part.replaceAll('\0', '')).filter((part) => part !== '')
  if (inner || /^$|^[A-Za-z_]\w*=/.test(plain[0] ?? '')) return inner
  return { command: plain, env: {}, from: 'Dockerfile', guess: false, notes: [] }
}

async function fromEntry(folder: Folder, pack: Package | undefined): Promise<Start | undefined> {
  const main = pack?.main === undefined ? [] : [pack.main.replace(/^\.\//, '')]
  for (const name of [...main, ...entries])
    if (!/[\0\n]/.test(name) && (await folder.isFile(name)))
      return { command: ['node', name], env: {}, from: name, guess: true, notes: [] }
  return undefined
}

/** The last resort: a development script, without its file watcher. */
async function fromDev(folder: Folder, pack: Package): Promise<Start | undefined> {
  for (const script of ['serve', 'dev']) {
    const found = await fromScript(folder, pack, script)
    if (!found) continue
    const [program = '', ...rest] = found.command
    const command = /(^|\/)nodemon$/.test(program)
      ? ['node', ...rest]
      : found.command.filter(
          (part) => part !== '--watch' && !(part === 'watch' && /(^|\/)tsx$/.test(program)),
        )
    return {
      ...found,
      command,
      guess: true,
      notes: [
        ...found.notes,
        `script "${script}" is meant for development; app.command should start the app as in production`,
      ],
    }
  }
  return undefined
}
