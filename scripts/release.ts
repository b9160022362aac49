import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { problemsOf, sectionOf, tagOf, type WorkingCopy } from './release/checks.ts'

/**
 * Makes a release on this machine: it neither pushes nor publishes, but prints the commands that do. Until its last
 * step, a commit and a tag, it reverts its changes on failure.
 */

const help = `Makes a release: checks, tests, version, package, tag. Pushes and publishes nothing.

  npm run release                    the version in package.json
  npm run release -- 0.2.0           another one, which is written there
  npm run release -- 0.2.0 --skip-tests

Exit codes: 0 tag created, 1 no release.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'skip-tests': { type: 'boolean' }, help: { type: 'boolean' } },
})
if (values.help) {
  console.log(help)
  process.exit(0)
}

const folder = execFileSync('git', ['rev-parse', '--show-toplevel'], { encoding: 'utf8' }).trim()
const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' })
const read = (name: string) => readFileSync(join(folder, name), 'utf8')

class Refused extends Error {}

/** Runs a step with visible output; a failure ends the release. */
function step(title: string, command: readonly string[]): void {
  console.log(`\n== ${title}: ${command.join(' ')} ==`)
  const { status, error } = spawnSync(command[0]!, command.slice(1), { cwd: folder, stdio: 'inherit' })
  if (status !== 0) throw new Refused(`${title} failed${error ? `: ${error.message}` : ''}`)
}

function workingCopy(): WorkingCopy {
  const remotes = git('remote').trim().split('\n')
  return {
    changes: git('status', '--porcelain'),
    branch: git('branch', '--show-current').trim(),
    tags: git('tag', '--list').trim().split('\n'),
    origin: remotes.includes('origin') ? git('remote', 'get-url', 'origin').trim() : undefined,
    manifest: JSON.parse(read('package.json')),
    changelog: read('CHANGELOG.md'),
  }
}

function release(): void {
  const found = workingCopy()
  const version = positionals[0] ?? found.manifest.version
  const problems = problemsOf(version, found)
  if (problems.length > 0) throw new Refused(problems.join('\n'))
  const tarball = `nearside-${version}.tgz`
  if (values['skip-tests']) console.log('== Tests: skipped ==')
  else step('Tests', ['npm', 'test'])
  const start = git('rev-parse', 'HEAD').trim()
  const hadBuild = existsSync(join(folder, 'dist'))
  try {
    step('Version', [
      ...['npm', 'version', version],
      ...['--no-git-tag-version', '--allow-same-version', '--ignore-scripts'],
    ])
    step('Package', ['npm', 'pack'])
    step('Publishing, as a trial', ['npm', 'publish', '--dry-run', `./${tarball}`])
    if (git('status', '--porcelain').trim() !== '')
      step('Commit', ['git', 'commit', '-qam', `Release ${version}`])
    // `verbatim`, because git treats lines that begin with # as comments.
    execFileSync('git', ['tag', '--annotate', '--cleanup=verbatim', '--file=-', tagOf(version)], {
      cwd: folder,
      input: `Nearside ${version}\n\n${sectionOf(found.changelog, version)}\n`,
    })
  } catch (error) {
    // The tree had no changes, so only what was made here goes.
    git('reset', '-q', '--hard', start)
    rmSync(join(folder, tarball), { force: true })
    if (!hadBuild) rmSync(join(folder, 'dist'), { recursive: true, force: true })
    throw error
  }
  console.log(`
${tagOf(version)} and ${tarball} are ready. Nothing has left this machine. To publish:

    git push origin main ${tagOf(version)}
    npm publish ./${tarball}

To take it back instead:

    git tag --delete ${tagOf(version)}${git('log', '-1', '--format=%s').trim() === `Release ${version}` ? '\n    git reset --hard HEAD~1' : ''}`)
}

try {
  release()
} catch (error) {
  if (!(error instanceof Refused)) throw error
  console.error(`\nNo release: ${error.message}`)
  process.exitCode = 1
}
