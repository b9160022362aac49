import type { Folder } from './folder.ts'

export type Package = {
  name?: string
  main?: string
  scripts: Record<string, string>
  dependencies: Set<string>
}

const strings = (value: unknown): Record<string, string> =>
  value !== null && typeof value === 'object'
    ? Object.fromEntries(
        Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
      )
    : {}

/** The usable parts of package.json; `broken` when it is not a JSON object. */
export async function readPackage(folder: Folder): Promise<Package | 'broken' | undefined> {
  const text = await folder.text('package.json')
  if (text === undefined) return undefined
  try {
    const json: unknown = JSON.parse(text)
    if (json === null || typeof json !== 'object' || Array.isArray(json)) return 'broken'
    const { name, main, scripts, dependencies, devDependencies } = json as Record<string, unknown>
    return {
      ...(typeof name === 'string' ? { name } : {}),
      ...(typeof main === 'string' ? { main } : {}),
      scripts: strings(scripts),
      dependencies: new Set([
        ...Object.keys(strings(dependencies)),
        ...Object.keys(strings(devDependencies)),
      ]),
    }
  } catch {
    return 'broken'
  }
}

/** `web: gunicorn app` lines of a Procfile, by name. */
export async function readProcfile(folder: Folder): Promise<Map<string, string>> {
  const processes = new Map<string, string>()
  for (const line of ((await folder.text('Procfile')) ?? '').split(/\r?\n/)) {
    const match = /^\s*([\w-]+)\s*:\s*(\S.*)$/.exec(line)
    if (match && !processes.has(match[1]!)) processes.set(match[1]!, match[2]!.trim())
  }
  return processes
}

type Dockerfile = { command?: string | string[]; port?: string }

/** The command of a Dockerfile's last stage. Exec forms stay lists, shell forms stay one line. */
export async function readDockerfile(folder: Folder): Promise<Dockerfile> {
  const text = ((await folder.text('Dockerfile')) ?? '').replace(/\\[ \t]*\r?\n/g, ' ')
  let entry: string | string[] | undefined
  let command: string | string[] | undefined
  let port: string | undefined
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(FROM|CMD|ENTRYPOINT|EXPOSE)\s+(\S.*)$/i.exec(line)
    if (!match) continue
    const [, word = '', rest = ''] = match
    const value = exec(rest.trim())
    if (/^FROM$/i.test(word)) [entry, command, port] = [undefined, undefined, undefined]
    else if (/^CMD$/i.test(word)) command = value
    else if (/^ENTRYPOINT$/i.test(word)) [entry, command] = [value, undefined]
    else port = /^(\d{1,5})/.exec(rest)?.[1]
  }
  // As in Docker, an ENTRYPOINT in shell form ignores CMD.
  const started =
    entry === undefined
      ? command
      : Array.isArray(entry) && Array.isArray(command)
        ? [...entry, ...command]
        : entry
  return { ...(started === undefined ? {} : { command: started }), ...(port === undefined ? {} : { port }) }
}

function exec(text: string): string | string[] {
  try {
    const list: unknown = JSON.parse(text)
    if (Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string')) return list
  } catch {}
  return text
}

/** Names of the variables in .env files. Their values are not used: they may be secrets. */
export async function readEnvNames(folder: Folder): Promise<{ names: string[]; files: string[] }> {
  const names = new Set<string>()
  const files: string[] = []
  for (const file of ['.env', '.env.example', '.env.sample']) {
    const text = await folder.text(file)
    if (text === undefined) continue
    files.push(file)
    for (const line of text.split(/\r?\n/)) {
      const name = /^\s*(?:export\s+)?([A-Za-z_]\w{0,100})\s*=/.exec(line)?.[1]
      if (name !== undefined && names.size < 50) names.add(name)
    }
  }
  return { names: [...names], files }
}
