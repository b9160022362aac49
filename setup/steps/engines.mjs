import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { debianSources, fetchOptions } from '../apt-sources.mjs'
import { checkVersions, installedPackages, mmdebstrap } from '../engine-packages.mjs'
import { run, runPipe } from '../run.mjs'
import { checkSpace, makeScratch, removeScratch, removeUnfinished } from '../scratch.mjs'
import { checkIdRange } from './sandbox.mjs'

/** Parts of the system to keep: a sandbox has its own /var, /run and /tmp. dpkg's list becomes the manifest. */
const KEPT = ['--exclude=./etc/apt', './usr', './etc', './var/lib/dpkg/status']

/** Password files without passwords, and backups made by tools. */
const UNUSED = ['shadow', 'shadow-', 'gshadow', 'gshadow-', 'passwd-', 'group-', '.pwd.lock']

/** The ids in a sandbox (src/engines/root/sandbox.ts), and name resolution without services of packages. */
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
 * Builds the engine root in a temporary folder and renames it, so that a folder with that name is always complete.
 *
 * @param {import('../main.mjs').Context} context @param {string} engineRoot @param {string} [title]
 */
export async function installEngines({ requirements, progress, isRoot, env }, engineRoot, title = 'engines') {
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
    // --ignore-zeros: otherwise tar exits after the last entry and breaks the pipe before the padding has been written.
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
    // After a power failure, the renamed folder must not have empty files.
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
    // Some are symbolic links, and writing through them would change files outside.
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
