import assert from 'node:assert/strict'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { detect } from '../../src/init/detect.ts'
import { editorText } from '../../src/init/editor.ts'
import { renderTypeScript } from '../../src/init/render-typescript.ts'
import { renderYaml } from '../../src/init/render-yaml.ts'
import { loadTopology } from '../../src/topology/load.ts'
import { folder } from '../topology/samples.ts'
import { pack, write } from './samples.ts'

/** Every file must load in both forms. */
const forms = [
  ['nearside.config.ts', renderTypeScript],
  ['nearside.yaml', renderYaml],
] as const

const sh = (line: string) => ['sh', '-c', `exec ${line}`]

const starts: [what: string, files: Record<string, string>, command: string[]][] = [
  [
    'a start script',
    { ...pack({ scripts: { start: 'node dist/main.js --x "a b"' } }) },
    ['node', 'dist/main.js', '--x', 'a b'],
  ],
  [
    'a start script that starts another',
    { ...pack({ scripts: { start: 'npm run serve', serve: 'cross-env A=1 node s.js' } }) },
    ['node', 's.js'],
  ],
  [
    'scripts that call each other',
    { ...pack({ scripts: { start: 'npm run b', b: 'npm run start' } }), 'app.js': '' },
    ['npm', 'run', 'start'],
  ],
  [
    'several commands in one script',
    { ...pack({ scripts: { start: 'npm run build && node s.js' } }) },
    ['npm', 'start'],
  ],
  [
    'a program from node_modules',
    { ...pack({ scripts: { start: 'next start' } }), 'node_modules/.bin/next': '' },
    ['./node_modules/.bin/next', 'start'],
  ],
  [
    'a script with a variable',
    { ...pack({ scripts: { start: 'next start -p $PORT' } }), 'node_modules/.bin/next': '' },
    ['sh', '-c', 'exec ./node_modules/.bin/next start -p $PORT'],
  ],
  [
    'no start script but server.js, as npm does',
    { ...pack({ scripts: {} }), 'server.js': '' },
    ['node', 'server.js'],
  ],
  ['main of a package', { ...pack({ main: './lib/app.js' }), 'lib/app.js': '' }, ['node', 'lib/app.js']],
  ['a Procfile', { Procfile: '# x\nworker: w\nweb: gunicorn app:app\n' }, ['gunicorn', 'app:app']],
  [
    'a Procfile with variables',
    { Procfile: 'web: gunicorn app:app -b 0.0.0.0:$PORT\r\n' },
    ['sh', '-c', 'exec gunicorn app:app -b 0.0.0.0:$PORT'],
  ],
  [
    'a Procfile wins over package.json',
    { ...pack({ scripts: { start: 'node a.js' } }), Procfile: 'web: node b.js' },
    ['node', 'b.js'],
  ],
  [
    'a Procfile that runs npm start',
    { ...pack({ scripts: { start: 'node a.js' } }), Procfile: 'web: npm start' },
    ['node', 'a.js'],
  ],
  [
    'the last stage of a Dockerfile',
    { Dockerfile: 'FROM a\nCMD ["no"]\nFROM b\nENTRYPOINT ["bin/app"]\nCMD ["serve", "--all"]\n' },
    ['bin/app', 'serve', '--all'],
  ],
  [
    'a Dockerfile in shell form',
    { Dockerfile: 'FROM a\nCMD java \\\n  -jar app.jar\n' },
    ['java', '-jar', 'app.jar'],
  ],
  [
    'a Dockerfile without a command',
    { Dockerfile: 'FROM a\nCMD [""]\n', 'index.js': '' },
    ['node', 'index.js'],
  ],
  [
    'Rails',
    { 'bin/rails': '', Gemfile: "gem 'rails'" },
    ['sh', '-c', 'exec bin/rails server -b "$HOST" -p "$PORT"'],
  ],
  [
    'Django',
    { 'manage.py': '', 'shop/wsgi.py': '' },
    ['sh', '-c', 'exec gunicorn shop.wsgi --bind "$HOST:$PORT"'],
  ],
  [
    'Flask',
    { 'app.py': 'from flask import Flask\nshop = Flask(__name__)\n' },
    sh('gunicorn app:shop --bind "$HOST:$PORT"'),
  ],
  [
    'FastAPI',
    { 'main.py': 'import fastapi\napi: FastAPI = fastapi.FastAPI()\n' },
    sh('uvicorn main:api --host "$HOST" --port "$PORT"'),
  ],
  ['a lone wsgi.py', { 'wsgi.py': 'import x\n' }, sh('gunicorn wsgi:application --bind "$HOST:$PORT"')],
  ['a lone app.py', { 'app.py': 'print(1)\n' }, ['python3', 'app.py']],
  ['manage.py alone', { 'manage.py': '' }, sh('python3 manage.py runserver --noreload "$HOST:$PORT"')],
  ['only requirements.txt', { 'requirements.txt': '' }, sh('gunicorn app:app --bind "$HOST:$PORT"')],
  ['Go', { 'go.mod': 'module x', 'main.go': '' }, ['go', 'run', '.']],
  ['Go with a folder cmd', { 'go.mod': 'module x', 'cmd/web/main.go': '' }, ['go', 'run', './cmd/web']],
  [
    'Rack with puma',
    { 'config.ru': '', Gemfile: "gem 'puma'" },
    sh('bundle exec puma -b "tcp://$HOST:$PORT"'),
  ],
  ['only a Gemfile', { Gemfile: "gem 'rack'" }, sh('bundle exec rackup -o "$HOST" -p "$PORT"')],
  ['Sinatra', { 'app.rb': "require 'sinatra'" }, sh('ruby app.rb -o "$HOST" -p "$PORT"')],
  ['PHP', { 'composer.json': '{}', 'public/index.php': '' }, sh('php -S "$HOST:$PORT" -t public')],
  ['Laravel', { 'composer.json': '{}', artisan: '' }, sh('php artisan serve --host="$HOST" --port="$PORT"')],
  ['a lone file', { 'src/index.ts': '' }, ['node', 'src/index.ts']],
  ['development only', { ...pack({ scripts: { dev: 'nodemon x.js' } }) }, ['node', 'x.js']],
  ['a broken package.json next to a Procfile', { 'package.json': '{', Procfile: 'web: ./run' }, ['./run']],
  [
    'a package.json with values of the wrong types',
    { 'package.json': '{"name": 5, "scripts": {"start": ["x"]}, "main": null}', 'index.js': '' },
    ['node', 'index.js'],
  ],
]

for (const [what, files, command] of starts)
  test(`found: ${what}`, async (t) => {
    const at = write(folder(t), files)
    const found = await detect(at)
    assert.deepEqual(found?.command, command)
    for (const [name, render] of forms) {
      writeFileSync(join(at, name), render(found))
      const { topology } = await loadTopology(join(at, name), { files: false })
      assert.deepEqual(topology.app.command, command)
    }
  })

test('a guess says what could not be detected', async (t) => {
  for (const [files, what] of [
    [{ 'app.py': 'print(1)' }, /could not detect the framework of app\.py: correct app\.command/],
    [{ 'wsgi.py': '' }, /could not detect the application in wsgi\.py/],
    [{ 'manage.py': '' }, /could not detect the project’s wsgi\.py/],
    [{ 'requirements.txt': '' }, /could not detect the module/],
    [{ 'go.mod': '', 'cmd/a/x': '', 'cmd/b/x': '' }, /could not detect which of cmd\/a, cmd\/b serves/],
    [{ Gemfile: 'x' }, /could not detect config\.ru/],
    [{ 'composer.json': '{}' }, /could not detect the folder of index\.php/],
  ] as const) {
    const found = await detect(write(folder(t), files))
    assert.match(found?.next.join('\n') ?? '', what)
    assert.match(found?.guessed.join('\n') ?? '', /app\.command/, JSON.stringify(files))
  }
})

test('files that Nearside has written are no evidence about the app', async (t) => {
  const at = write(folder(t), { 'server.js': 'listen(3000)' })
  const bare = await detect(at)
  assert.equal(bare?.health, '/')
  assert.match(bare.next.join('\n'), /no file here mentions PORT/)
  const evidence = 'process.env.PORT; app.get("/healthz")'
  write(at, {
    'nearside.config.ts': `${renderTypeScript(bare)}\n// ${evidence}`,
    'nearside.yaml': renderYaml(bare),
    'nearside-env.d.ts': `${editorText('typescript')}\n// ${evidence} "/healthz"`,
    'src/nearside-env.d.ts': evidence,
    'deploy/topology.ts': `${renderTypeScript(bare)}\n// ${evidence}`,
    'types/near.d.ts': editorText('typescript'),
    'topology.schema.json': evidence,
    '.nearside/shop/regions/x.js': evidence,
    '.nearside-1f2e.config.ts': evidence,
    'node_modules/shop/wsgi.py': evidence,
    'node_modules/shop/index.js': evidence,
    'node_modules/public/css/a.css': '',
    'manage.py': '',
  })
  const again = await detect(at, ['node', 'server.js'])
  assert.equal(again?.health, '/')
  assert.match(again.next.join('\n'), /no file here mentions PORT/)
  assert.deepEqual(again.static, [])
  // Django's project folder is not node_modules.
  assert.doesNotMatch((await detect(at))?.command.join(' ') ?? '', /node_modules/)
})

test('lists what the app must still do', async (t) => {
  const next = async (files: Record<string, string>) =>
    (await detect(write(folder(t), files)))?.next.join('\n') ?? ''
  assert.match(
    await next({ Procfile: 'web: serve --port 4000\nworker: w\n' }),
    /names port 4000[\s\S]*run worker \(Procfile\) yourself/,
  )
  assert.match(
    await next({ Dockerfile: 'FROM a\nEXPOSE 8080/tcp\nCMD ["x"]' }),
    /instead of 8080 \(Dockerfile\)/,
  )
  assert.match(await next({ 'server.js': 'listen(3000)' }), /make the app listen on the port in PORT/)
  assert.doesNotMatch(await next({ 'server.js': 'listen(process.env.PORT)' }), /make the app listen/)
  assert.match(await next({ Procfile: 'web: PORT=5 node x' }), /were left out/)
})

test('a pipe, a folder or a symbolic link loop in place of a file does not block it', async (t) => {
  const at = write(folder(t), { 'server.js': '', 'Procfile/x': '' })
  symlinkSync('package.json', join(at, 'package.json'))
  symlinkSync('.', join(at, 'src'))
  assert.deepEqual((await detect(at))?.command, ['node', 'server.js'])
})

test('whatever the names of an app and its commands, the written file loads', async (t) => {
  const at = folder(t)
  const odd = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '`$'.concat('{process.exit(1)}`'),
      "');process.exit(1);('",
      '*/ x',
      '\u2028process.exit(1)',
      '\\',
      "'",
      '"',
      '__proto__',
    ),
  )
  await fc.assert(
    fc.asyncProperty(odd, odd, odd, fc.array(odd, { maxLength: 3 }), async (name, start, entry, lines) => {
      write(at, {
        'package.json': JSON.stringify({ name, scripts: { start, [entry]: start, dev: entry }, main: entry }),
        '.env': lines.map((line) => `${line}=x`).join('\n'),
        Procfile: `release: ${entry}\nweb: ${lines.join(' ')}`,
        Dockerfile: `FROM x\nCMD ${JSON.stringify(lines)}`,
        'server.js': '',
      })
      const found = await detect(at)
      assert.ok(found)
      for (const [name, render] of forms) {
        writeFileSync(join(at, name), render(found))
        const { topology } = await loadTopology(join(at, name), { files: false })
        assert.deepEqual(topology.app.command, found.command)
        assert.equal(topology.app.health, found.health)
        assert.deepEqual(topology.app.env, found.env)
        assert.deepEqual(topology.app.release, found.release)
      }
    }),
    { numRuns: 150 },
  )
})
