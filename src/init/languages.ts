import type { Start } from './command.ts'
import type { Folder } from './folder.ts'

/** First guesses for apps whose folder names a language or framework, but no start command. */

const start = (command: string[], from: string, notes: string[] = []): Start => ({
  command,
  env: {},
  from,
  guess: true,
  notes,
})

const shell = (line: string, from: string, notes: string[] = []) =>
  start(['sh', '-c', `exec ${line}`], from, notes)

const unsure = (what: string) => `${what}: correct app.command if that is wrong`
const development = (server: string) =>
  `${server} is meant for development; start a production server instead`

/** The start command of an app in Python, Go, Ruby or PHP; undefined when nothing names one of these. */
export async function fromLanguage(folder: Folder): Promise<Start | undefined> {
  return (await python(folder)) ?? (await go(folder)) ?? (await ruby(folder)) ?? (await php(folder))
}

const gunicorn = (app: string) => `gunicorn ${app} --bind "$HOST:$PORT"`
const uvicorn = (app: string) => `uvicorn ${app} --host "$HOST" --port "$PORT"`

/** The variable that a module assigns its application to. */
const variableOf = (text: string, makers: string) =>
  new RegExp(`^(\\w+)(?:\\s*:\\s*[\\w.]+)?\\s*=\\s*(?:\\w+\\.)?(?:${makers})\\(`, 'm').exec(text)?.[1]

async function python(folder: Folder): Promise<Start | undefined> {
  const modules = ['wsgi', 'asgi', 'app', 'main', 'server', 'src/app', 'src/main']
  for (const name of modules) {
    const file = `${name}.py`
    const text = await folder.text(file)
    if (text === undefined) continue
    const dotted = name.replaceAll('/', '.')
    const asgi = variableOf(text, 'FastAPI|Starlette|Quart|Litestar')
    if (asgi !== undefined) return shell(uvicorn(`${dotted}:${asgi}`), file)
    const wsgi = variableOf(text, 'Flask|Bottle|Falcon|get_wsgi_application|make_wsgi_app|create_app')
    if (wsgi !== undefined) return shell(gunicorn(`${dotted}:${wsgi}`), file)
    if (name === 'asgi')
      return shell(uvicorn('asgi:application'), file, [unsure('could not detect the application in asgi.py')])
    if (name === 'wsgi')
      return shell(gunicorn('wsgi:application'), file, [
        unsure('could not detect the application in wsgi.py'),
      ])
    return start(['python3', file], file, [unsure(`could not detect the framework of ${file}`)])
  }
  if (await folder.isFile('manage.py'))
    return shell('python3 manage.py runserver --noreload "$HOST:$PORT"', 'manage.py', [
      'could not detect the project’s wsgi.py',
      development('manage.py runserver'),
    ])
  const listing = await firstOf(folder, ['requirements.txt', 'pyproject.toml', 'Pipfile', 'setup.py'])
  return listing === undefined
    ? undefined
    : shell(gunicorn('app:app'), listing, [unsure('could not detect the module of the application')])
}

async function go(folder: Folder): Promise<Start | undefined> {
  if (!(await folder.isFile('go.mod'))) return undefined
  const build = (target: string) =>
    `go run compiles at every start; build once (go build -o app ${target}) and set app.command to ["./app"]`
  if (await folder.isFile('main.go')) return start(['go', 'run', '.'], 'go.mod and main.go', [build('.')])
  const [only, ...others] = await folder.folders('cmd')
  if (only !== undefined && others.length === 0)
    return start(['go', 'run', `./cmd/${only}`], `go.mod and cmd/${only}/`, [build(`./cmd/${only}`)])
  const which =
    only === undefined ? 'the main package' : `which of cmd/${[only, ...others].join(', cmd/')} serves`
  const target = only === undefined ? '.' : `./cmd/${only}`
  return start(['go', 'run', target], 'go.mod', [unsure(`could not detect ${which}`), build(target)])
}

async function ruby(folder: Folder): Promise<Start | undefined> {
  const gems = (await folder.text('Gemfile')) ?? ''
  if (await folder.isFile('config.ru'))
    return /\bpuma\b/.test(gems)
      ? shell('bundle exec puma -b "tcp://$HOST:$PORT"', 'config.ru and puma in Gemfile')
      : shell('bundle exec rackup -o "$HOST" -p "$PORT"', 'config.ru', [
          unsure('could not detect the server (no puma in Gemfile)'),
        ])
  const file = await firstOf(folder, ['app.rb', 'server.rb', 'main.rb'])
  if (file !== undefined && /\bsinatra\b/.test(`${gems}${(await folder.text(file)) ?? ''}`))
    return shell(
      `${gems === '' ? '' : 'bundle exec '}ruby ${file} -o "$HOST" -p "$PORT"`,
      `${file} and sinatra`,
    )
  if (file !== undefined)
    return start(['ruby', file], file, [unsure(`could not detect the framework of ${file}`)])
  return gems === ''
    ? undefined
    : shell('bundle exec rackup -o "$HOST" -p "$PORT"', 'Gemfile', [unsure('could not detect config.ru')])
}

async function php(folder: Folder): Promise<Start | undefined> {
  if (await folder.isFile('artisan'))
    return shell('php artisan serve --host="$HOST" --port="$PORT"', 'artisan', [
      development('php artisan serve'),
    ])
  const root = await firstOf(folder, ['public/index.php', 'web/index.php', 'index.php'])
  if (root === undefined && !(await folder.isFile('composer.json'))) return undefined
  const at = root === undefined ? 'public' : root.includes('/') ? root.slice(0, root.indexOf('/')) : '.'
  return shell(`php -S "$HOST:$PORT" -t ${at}`, root ?? 'composer.json', [
    ...(root === undefined ? [unsure('could not detect the folder of index.php')] : []),
    development('php -S'),
  ])
}

async function firstOf(folder: Folder, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) if (await folder.isFile(name)) return name
  return undefined
}
