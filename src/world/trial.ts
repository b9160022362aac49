import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { WorldRecord } from '../agent/layout.ts'
import { launcher } from '../agent/supervision/launch.ts'
import { compile } from '../compile.ts'
import { parameterTrials } from '../engines/postgres/parameters.ts'
import { locateEngineRoot } from '../engines/root/locate.ts'
import { sandboxCommand } from '../engines/root/sandbox.ts'
import { NearsideError } from '../lib/errors.ts'
import { writeAside } from '../lib/files.ts'
import { thisMachine } from '../lib/machine.ts'
import { type Run, runToEnd } from '../lib/run-to-end.ts'
import type { Secrets } from '../topology/secrets.ts'
import { redactor } from './logs/render.ts'

const trialMs = 30_000

const tooSlow = () =>
  new NearsideError('trial_timeout', `the engines did not finish their checks within ${trialMs / 1000} s`, {
    remedy: 'run the command again when this machine is less busy',
  })

/** The subject of a trial, and the engine's refusal. */
type Objection = { what: string; said: string }

/**
 * Checks values that only the engine can validate, before any process starts with them. A PostgreSQL that refuses a
 * parameter would not come back from its next restart.
 */
export async function parametersAccepted(
  folder: string,
  { topology, topologyFile }: Pick<WorldRecord, 'topology' | 'topologyFile'>,
): Promise<void> {
  const trials = parameterTrials(topology)
  if (trials.length === 0) return
  const root = locateEngineRoot().path
  const deadline = performance.now() + trialMs
  const objections: Objection[] = []
  for (const { name, command } of trials) {
    const inside = { root, binds: [], cwd: '/tmp', env: {}, command, lifetime: 'tied' } as const
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) throw tooSlow()
    const said = await objectionOf({ ...sandboxCommand(inside), cwd: folder }, leftMs)
    if (said !== undefined) objections.push({ what: `database.parameters.${name}`, said })
  }
  if (objections.length === 0) return
  throw new NearsideError('parameters_refused', refusalOf(topologyFile, 'PostgreSQL refuses', objections), {
    remedy: 'see https://www.postgresql.org/docs/17/runtime-config.html',
  })
}

/**
 * Renders the plan of a changed topology into a temporary folder and runs every engine's own config check on it. A
 * running world gets only what passed.
 */
export async function planAccepted(folder: string, record: WorldRecord, secrets: Secrets): Promise<void> {
  const place = await mkdtemp(join(folder, 'trial-'))
  try {
    const plan = compile(record.topology, {
      secrets,
      folder: place,
      appFolder: record.appFolder,
      machine: thisMachine(),
    })
    const objections: Objection[] = []
    for (const { region, folders, files, processes } of Object.values(plan.regions)) {
      const at = join(place, 'regions', region)
      for (const path of folders) await mkdir(join(at, path), { recursive: true, mode: 0o700 })
      for (const file of files) await writeAside(join(at, file.path), file.content, file.mode)
      const { prepare } = launcher({ root: locateEngineRoot().path, folder: at, files })
      for (const { name, validate } of processes) {
        const said = validate && (await objectionOf(prepare('engine', validate, {})))
        if (said !== undefined) objections.push({ what: `${region}/${name}`, said })
      }
    }
    if (objections.length === 0) return
    const text = refusalOf(
      record.topologyFile,
      'an engine refuses the configuration made from it',
      objections,
    )
    throw new NearsideError('plan_refused', redactor(Object.values(secrets))(text), {
      remedy: 'fix or revert the topology; the running world was not changed',
    })
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

async function objectionOf(trial: Run, limitMs = trialMs): Promise<string | undefined> {
  const startedAt = performance.now()
  const { code, output } = await runToEnd(trial, limitMs)
  if (code !== 0 && performance.now() - startedAt >= limitMs) throw tooSlow()
  if (code === 0) return undefined
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  // PostgreSQL prefixes the time and the process id.
  return lines
    .map((line) => line.replace(/^.*? (FATAL|HINT|DETAIL): +/, ''))
    .slice(0, 12)
    .join('\n    ')
}

const refusalOf = (file: string, head: string, objections: readonly Objection[]) =>
  [`${file}: ${head}`, ...objections.map(({ what, said }) => `  ${what}: ${said}`)].join('\n')
