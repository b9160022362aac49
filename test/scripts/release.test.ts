import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isOlder, problemsOf, sectionOf, type WorkingCopy } from '../../scripts/release/checks.ts'
import { temporaryFolder } from '../support/sandboxed.ts'

const script = join(import.meta.dirname, '../../scripts/release.ts')

const changelog = `# Changelog

## [Unreleased]

## [0.2.0] - 2026-12-01

### Fixed

- A thing.

## [0.1.0] - 2026-11-30

The first.
`

const clean: WorkingCopy = {
  changes: '',
  branch: 'main',
  tags: ['v0.1.0'],
  origin: 'git@github.com:ann/nearside.git',
  manifest: { version: '0.1.0', repository: { url: 'git+https://github.com/ann/nearside.git' } },
  changelog,
}

test('all obstacles to a release are reported together', () => {
  assert.deepEqual(problemsOf('0.2.0', clean), [])
  assert.deepEqual(problemsOf('0.2.0', { ...clean, origin: undefined }), [])
  const wrong = {
    ...clean,
    changes: ' M a.ts\n',
    branch: 'work',
    tags: ['v0.3.0'],
    origin: 'https://example.com/x',
    changelog: changelog.replace('## [Unreleased]\n', '## [Unreleased]\n\n- New.\n'),
  }
  const problems = problemsOf('0.3.0', wrong)
  const expected = [
    /has changes.*\n M a\.ts$/,
    /expected the branch main/,
    /v0\.3\.0 exists/,
    /no section for 0\.3\.0/,
    /Unreleased/,
    /origin is/,
  ]
  assert.equal(problems.length, expected.length)
  for (const [i, pattern] of expected.entries()) assert.match(problems[i]!, pattern)
  assert.match(problemsOf('0.0.9', clean).join(), /older than 0\.1\.0/)
  assert.match(problemsOf('next', clean).join(), /expected a version such as 0\.2\.0, got "next"/)
})

test('a section of the changelog has a date and a text', () => {
  assert.equal(sectionOf(changelog, '0.2.0'), '### Fixed\n\n- A thing.')
  assert.equal(sectionOf(changelog, '0.1.0'), 'The first.')
  assert.equal(sectionOf(changelog, 'Unreleased'), undefined)
  assert.equal(sectionOf(changelog.replace(' - 2026-12-01', ''), '0.2.0'), undefined)
  assert.equal(sectionOf('## [0.2.0] - 2026-12-01\n\n## [0.1.0] - 2026-11-30\nx', '0.2.0'), undefined)
})

test('versions are ordered by their numbers, pre-releases before their release', () => {
  const order = ['0.9.0', '0.10.0-alpha', '0.10.0-beta', '0.10.0', '1.0.0']
  for (const [i, a] of order.entries())
    for (const [j, b] of order.entries()) assert.equal(isOlder(a, b), i < j, `${a} ${b}`)
})

/** A repository with a package that is ready, and an npm that only writes down what it is asked. */
function repository() {
  const folder = temporaryFolder('release')
  const [copy, bin] = [join(folder, 'copy'), join(folder, 'bin')]
  for (const made of [copy, bin]) mkdirSync(made)
  const git = (...args: string[]) => execFileSync('git', args, { cwd: copy, encoding: 'utf8' }).trim()
  const npm = (script: string) => {
    writeFileSync(join(bin, 'npm'), `#!/bin/sh\necho "$*" >>'${folder}/calls'\n${script}\n`)
    chmodSync(join(bin, 'npm'), 0o755)
  }
  npm(`case $1 in version) sed -i 's/"version": *"[^"]*"/"version": "'$2'"/' package.json ;; esac`)
  writeFileSync(join(copy, 'package.json'), '{ "name": "nearside", "version": "0.1.0" }\n')
  writeFileSync(join(copy, 'CHANGELOG.md'), changelog)
  writeFileSync(join(copy, '.gitignore'), 'dist/\n*.tgz\n')
  git('init', '-q', '-b', 'main')
  git('config', 'user.name', 'Ann')
  git('config', 'user.email', 'ann@example.com')
  git('add', '.')
  git('commit', '-qm', 'First')
  const run = (...args: string[]) => {
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
      cwd: copy,
      env,
      encoding: 'utf8',
    })
    return { status, stdout, stderr }
  }
  const calls = () =>
    existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') : []
  return { copy, git, npm, run, calls }
}

test('a release: tests, version, package, a trial of publishing, a tag with its changes, and no more', () => {
  const { copy, git, run, calls } = repository()
  const { status, stdout, stderr } = run('0.2.0')
  assert.equal(status, 0, stderr + stdout)
  assert.deepEqual(calls(), [
    'test',
    'version 0.2.0 --no-git-tag-version --allow-same-version --ignore-scripts',
    'pack',
    'publish --dry-run ./nearside-0.2.0.tgz',
  ])
  assert.equal(JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8')).version, '0.2.0')
  assert.equal(git('log', '-1', '--format=%s'), 'Release 0.2.0')
  assert.equal(git('status', '--porcelain'), '')
  assert.equal(
    git('tag', '-l', '--format=%(contents)', 'v0.2.0'),
    'Nearside 0.2.0\n\n### Fixed\n\n- A thing.',
  )
  assert.match(stdout, /git push origin main v0\.2\.0\n +npm publish \.\/nearside-0\.2\.0\.tgz\n/)
  assert.match(run('0.2.0').stderr, /the tag v0\.2\.0 exists/)
})

test('the version in package.json needs no commit of its own', () => {
  const { git, run, calls } = repository()
  const { status, stdout } = run('--skip-tests')
  assert.equal(status, 0)
  assert.ok(!calls().includes('test'))
  assert.equal(git('tag', '--list'), 'v0.1.0')
  assert.equal(git('log', '-1', '--format=%s'), 'First')
  assert.doesNotMatch(stdout, /reset --hard/)
})

test('a refusal and a failing step leave everything as it was', () => {
  const { copy, git, npm, run, calls } = repository()
  writeFileSync(join(copy, 'new.ts'), '')
  assert.match(run('0.2.0').stderr, /No release: the working tree has changes/)
  assert.deepEqual(calls(), [])
  git('add', '.')
  git('commit', '-qm', 'Second')
  for (const failing of ['test', 'version', 'pack', 'publish']) {
    npm(
      `case $1 in version) echo '{"version":"0.2.0"}' >package.json ;; pack) mkdir dist; echo >nearside-0.2.0.tgz ;; esac; test $1 != ${failing}`,
    )
    const { status, stderr } = run('0.2.0')
    assert.equal(status, 1, failing)
    assert.match(stderr, /No release: .* failed/)
    assert.deepEqual([git('status', '--porcelain'), git('tag', '--list')], ['', ''], failing)
    assert.equal(git('log', '-1', '--format=%s'), 'Second')
    // Git ignores what a build and a package leave; the next release would find them.
    assert.deepEqual(
      ['dist', 'nearside-0.2.0.tgz'].filter((name) => existsSync(join(copy, name))),
      [],
      failing,
    )
  }
})
