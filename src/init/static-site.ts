import { NearsideError } from '../lib/errors.ts'
import { openFolder } from './folder.ts'

/** Folders that builds of static sites are written to. */
const outputs = ['public', 'dist', 'build', '_site', 'out', 'site', 'www', 'html']

/**
 * The error for a folder without a start command. Nearside starts an app; a folder of static files needs a server for
 * them. The example never serves the app's folder itself, because .nearside in it holds the world's passwords.
 */
export async function noCommand(path: string): Promise<NearsideError> {
  const folder = openFolder(path)
  const hasIndex = await Promise.all(outputs.map((name) => folder.isFile(`${name}/index.html`)))
  const output = outputs[hasIndex.indexOf(true)]
  const isRoot = await folder.isFile('index.html')
  if (output === undefined && !isRoot)
    return new NearsideError(
      'init_no_command',
      `${path}: found no start command: expected package.json, Procfile, Dockerfile, go.mod, Gemfile, composer.json, or a file such as server.js or app.py`,
      { remedy: 'pass the command: nearside init -- node server.js' },
    )
  const where = output ?? 'public'
  return new NearsideError(
    'init_no_command',
    `${path}: found only static files (${output === undefined ? 'index.html' : `${output}/index.html`}); Nearside starts an app, so they need a server`,
    {
      remedy: `${output === undefined ? 'move the files into public/, then for example' : 'for example'}: ${serverFor(where)}`,
      details: [`Do not serve this folder itself: .nearside in it holds the world’s passwords.`],
    },
  )
}

const serverFor = (folder: string) =>
  `nearside init -- sh -c 'exec python3 -m http.server "$PORT" --bind "$HOST" --directory ${folder}'`
