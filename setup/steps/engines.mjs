import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { debianSources, fetchOptions } from '../apt-sources.mjs'
import { checkVersions, installedPackages, mmdebstrap } from '../engine-packages.mjs'
import { run, runPipe } from '../run.mjs'
import { checkSpace, makeScratch, removeScratch, removeUnfinished } from '../scratch.mjs'
import { checkIdRange } from './sandbox.mjs'

/** Only these parts are kept: a sandbox has a /var, /run and /tmp of its own. dpkg's list becomes the manifest. */
const KEPT = ['--exclude=./etc/apt', './usr', './etc', './var/lib/dpkg/status']

/** Passwords of nobody, and copies that tools made. */
const UNUSED = ['shadow', 'shadow-', 'gshadow', 'gshadow-', 'passwd-', 'group-', '.pwd.lock']

/** The ids that a sandbox has (src/engines/root/sandbox.ts), and name lookups without the package's own services. */
const ETC = {
  passwd: [
    'root:x:0:0:root:/:/bin/sh',
    'nearside:x:1000:1000:Nearside:/tmp:/bin/sh',
    'nobody:x:65534:65534:nobody:/:/usr/sbin/nologin',
  ],
  group: ['root:x:0:', 'nearside:x:1000:', 'nogroup:x:65534:'],
  hosts: ['127.0.0.1 localhost', '::1 localhost'],
  'resolv.conf': [],
  'nsswitch.conf': ['passwd: files', 'group: files', 'hosts: files dns'],
}

/**
 * Builds the engine root aside and renames it, so that a folder of that name is always a complete one.
 *
 * @param {import('../main.mjs').Context} context @param {string} engineRoot @param {string} [title]
 */
export async function bringEngines({ requirements, progress, isRoot, env }, engineRoot, title = 'engines') {
  if (existsSync(engineRoot)) return
  const { engines } = requirements
  progress.begin(title, 'about a minute, once per machine and user')
  checkIdRange(isRoot)
  mkdirSync(dirname(engineRoot), { recursive: true })
  removeUnfinished(engineRoot)
  await removeScratch(engineRoot, isRoot, env)
  checkSpace(dirname(engineRoot))
  const aside = `${engineRoot}.making-${process.pid}`
  try {
    mkdirSync(aside)
    const scratch = makeScratch(engineRoot, isRoot, env)
    const build = mmdebstrap({
      engines,
      mode: isRoot ? 'root' : 'unshare',
      sources: debianSources(await run(['apt-get', 'indextargets']), hostDistribution(), engines.suite),
      fetch: fetchOptions(await run(['apt-config', 'dump', 'Acquire'])),
    })
    // --ignore-zeros: else tar leaves at the archive's last entry and breaks the pipe before its padding is through.
    const unpack = [
      'tar',
      '-x',
      '-C',
      aside,
      '--ignore-zeros',
      '--no-same-owner',
      '--no-same-permissions',
      ...KEPT,
    ]
    await runPipe(build, unpack, {
      cwd: '/',
      env: { TMPDIR: scratch },
      onLine: (line) => progress.detail(line.replace(/^I: /, '')),
    })
    finish(aside, engines)
    // A machine that loses power after the rename must not find files without their contents.
    await run(['sync', '-f', aside])
    renameSync(aside, engineRoot)
  } finally {
    removeUnfinished(engineRoot)
    await removeScratch(engineRoot, isRoot, env)
  }
  progress.done()
}

/** @param {string} aside @param {import('../paths.mjs').EngineRequirements} engines */
function finish(aside, engines) {
  const packages = installedPackages(readFileSync(join(aside, 'var', 'lib', 'dpkg', 'status'), 'utf8'))
  checkVersions(packages, engines.minimum)
  rmSync(join(aside, 'var'), { recursive: true })
  for (const name of UNUSED) rmSync(join(aside, 'etc', name), { force: true })
  for (const [name, lines] of Object.entries(ETC)) {
    // Some are links, and writing through a link would reach outside.
    rmSync(join(aside, 'etc', name), { force: true })
    writeFileSync(join(aside, 'etc', name), lines.map((line) => `${line}\n`).join(''), { mode: 0o644 })
  }
  const manifest = { suite: engines.suite, arch: process.arch, builtAt: new Date().toISOString(), packages }
  writeFileSync(join(aside, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

function hostDistribution() {
  const text = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  return /^ID="?([^"\n]+)/m.exec(text)?.[1] ?? ''
}
