import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { engineRootDir, readRequirements } from '../../../setup/paths.mjs'
import { NearsideError } from '../../lib/errors.ts'

type EngineName = 'etcd' | 'haproxy' | 'knot' | 'patroni' | 'postgresql' | 'redis' | 'varnish'

/** The Debian package with the engine's version. */
const PACKAGE: Record<EngineName, string> = {
  etcd: 'etcd-server',
  haproxy: 'haproxy',
  knot: 'knot',
  patroni: 'patroni',
  postgresql: 'postgresql-17',
  redis: 'redis-server',
  varnish: 'varnish',
}

type EngineRoot = {
  readonly path: string
  readonly builtAt: string
  /** Upstream versions, such as `17.12`. */
  readonly versions: Readonly<Record<EngineName, string>>
  /** Every Debian package in the root with its full version. */
  readonly packages: Readonly<Record<string, string>>
}

/**
 * Finds the engine root of this machine and user, built by the set-up. The set-up renames a root to its final name only
 * when it is complete, so a root that exists is usable.
 */
export function locateEngineRoot(env: NodeJS.ProcessEnv = process.env): EngineRoot {
  const path = engineRootDir(env, readRequirements().engines)
  const manifest = join(path, 'manifest.json')
  if (!existsSync(manifest))
    throw new NearsideError('engine_root_missing', `${path}: the engines are not installed`, {
      remedy: 'run any nearside command, which installs them in about a minute',
    })
  return readManifest(path, readFileSync(manifest, 'utf8'))
}

/** Parses the manifest of the root at `path`. Pure. */
export function readManifest(path: string, text: string): EngineRoot {
  const broken = (why: string, cause?: unknown) =>
    new NearsideError('engine_root_broken', `${join(path, 'manifest.json')}: ${why}`, {
      remedy: `stop the worlds that use it, delete ${path} and run the same command again`,
      cause,
    })
  let manifest: { builtAt?: unknown; packages?: Record<string, string> }
  try {
    manifest = JSON.parse(text)
  } catch (error) {
    throw broken('expected JSON', error)
  }
  const { builtAt, packages } = manifest ?? {}
  if (typeof builtAt !== 'string' || typeof packages !== 'object' || packages === null)
    throw broken('expected the keys builtAt and packages')
  const versions = {} as Record<EngineName, string>
  for (const [engine, name] of Object.entries(PACKAGE) as [EngineName, string][]) {
    const version = packages[name]
    if (version === undefined) throw broken(`expected the package ${name}, which is not listed`)
    versions[engine] = upstreamVersion(version)
  }
  return { path, builtAt, versions, packages }
}

/** `5:8.0.2-3+deb13u3` is version 8.0.2: the epoch and the revision are Debian's. */
function upstreamVersion(debianVersion: string): string {
  return debianVersion.replace(/^\d+:/, '').replace(/-[^-]*$/, '')
}
