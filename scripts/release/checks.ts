/** Checks whether a release is possible, given the state of the working copy. Pure. */

export type WorkingCopy = {
  /** `git status --porcelain`. */
  changes: string
  branch: string
  tags: readonly string[]
  /** URL of the remote `origin`, if any. */
  origin: string | undefined
  /** package.json. */
  manifest: { version: string; repository?: { url?: string } }
  changelog: string
}

const semver = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?$/

export const tagOf = (version: string) => `v${version}`

/** Everything that prevents the release, each with a remedy. */
export function problemsOf(version: string, found: WorkingCopy): string[] {
  const { changes, branch, tags, origin, manifest, changelog } = found
  if (!semver.test(version)) return [`expected a version such as 0.2.0, got "${version}"`]
  const problems: string[] = []
  if (changes.trim() !== '')
    problems.push(`the working tree has changes: commit or stash them\n${changes.trimEnd()}`)
  if (branch !== 'main') problems.push(`expected the branch main, found ${branch || 'no branch'}`)
  if (isOlder(version, manifest.version))
    problems.push(`${version} is older than ${manifest.version}, the version in package.json`)
  if (tags.includes(tagOf(version))) problems.push(`the tag ${tagOf(version)} exists: choose a new version`)
  if (sectionOf(changelog, version) === undefined)
    problems.push(
      `CHANGELOG.md has no section for ${version}: add "## [${version}] - YYYY-MM-DD" with the changes`,
    )
  if (sectionOf(changelog, 'Unreleased'))
    problems.push(`CHANGELOG.md has changes under [Unreleased]: move them to the section of ${version}`)
  const repository = manifest.repository?.url
  if (origin !== undefined && (repository === undefined || bare(repository) !== bare(origin)))
    problems.push(
      `package.json names the repository ${repository}, and origin is ${origin}: correct one of them`,
    )
  return problems
}

/** The text below a version's heading in a changelog; undefined without the heading or without text. */
export function sectionOf(changelog: string, version: string): string | undefined {
  const lines = changelog.split('\n')
  const heading = version === 'Unreleased' ? /^$/ : /^ - \d{4}-\d{2}-\d{2}$/
  const start = lines.findIndex(
    (line) => line.startsWith(`## [${version}]`) && heading.test(line.slice(`## [${version}]`.length)),
  )
  if (start === -1) return undefined
  const end = lines.findIndex((line, i) => i > start && line.startsWith('## '))
  const text = lines
    .slice(start + 1, end === -1 ? undefined : end)
    .join('\n')
    .trim()
  return text === '' ? undefined : text
}

/** Compares the numbers; a pre-release is older than its release, and two pre-releases are compared as text. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [semver.exec(version), semver.exec(than)]
  if (!a || !b) return false
  for (const part of [1, 2, 3]) {
    const difference = Number(a[part]) - Number(b[part])
    if (difference !== 0) return difference < 0
  }
  if (a[4] === b[4]) return false
  if (a[4] === undefined) return false
  return b[4] === undefined || a[4] < b[4]
}

/** Normalizes https, ssh and git URLs of a repository. */
const bare = (url: string) =>
  url
    .replace(/^git\+/, '')
    .replace(/^[a-z]+:\/\/(?:[^@/]*@)?|^[^@/]*@/, '')
    .replace(':', '/')
    .replace(/(?:\.git)?\/?$/, '')
    .toLowerCase()
