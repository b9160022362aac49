import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { callableMembers, Program } from './support/program.ts'

/**
 * Nothing is kept that nobody uses. Tests are no users: what only they call either goes, or stands below with the reason
 * why it stays. A type may be exported for a test, which makes values of it.
 */

const exceptions: { reason: string; names: string[] }[] = [
  {
    reason: 'a part of its file that decides or words something without the I/O around it, and is tested so',
    names: [
      'src/agent/release/release.ts releaseOnce',
      'src/agent/supervision/log-rotation.ts rotateOnce',
      'src/cli/down.ts downText',
      'src/cli/lab/users-text.ts verdict',
      'src/cli/live.ts cut',
      'src/cli/output.ts coloured',
      'src/cli/revive.ts backText',
      'src/cli/steering-summary.ts summaryOf',
      'src/cli/stop-view.ts stopLines',
      'src/cli/up/progress.ts progressLines',
      'src/cli/up/progress.ts wordsOf',
      'src/cli/up/wait.ts dnsPatience',
      'src/engines/postgres/control.ts settingsPatch',
      'src/engines/root/locate.ts readManifest',
      'src/geo/cover.ts prefixAt',
      'src/geo/prefix.ts parseAddress',
      'src/init/write.ts refused',
      'src/lab/doctor/labs.ts evaluateLabs',
      'src/lab/drill/chart.ts marksOf',
      'src/lab/drill/event-loop-lag.ts eventLoopLagNote',
      'src/lab/drill/recovery.ts edgesWithoutWrites',
      'src/lab/faults/drivers/app.ts controlOf',
      'src/lab/faults/drivers/links.ts changesOf',
      'src/lab/faults/shaping.ts linksUnder',
      'src/lab/faults/small-disk.ts mountsBelow',
      'src/lab/links.ts parseRtts',
      'src/lab/users/summarise.ts binned',
      'src/lib/did-you-mean.ts editDistance',
      'src/lib/listeners.ts parseListeners',
      'src/steering/agreement.ts candidateOf',
      'src/steering/build.ts enoughMemory',
      'src/world/changes.ts changeBetween',
      'src/world/changes.ts pathsChanged',
      'src/world/doctor/clocks.ts evaluateClocks',
      'src/world/doctor/etcd.ts evaluateEtcd',
      'src/world/doctor/leftovers.ts evaluateLeftovers',
      'src/world/doctor/machine.ts limits',
      'src/world/doctor/ports.ts evaluatePorts',
      'src/world/doctor/stale.ts parseSegments',
      'src/world/doctor/state.ts evaluateState',
      'src/world/keep-agents.ts orphaned',
    ],
  },
  {
    reason: 'a value of its file that a test measures against, instead of repeating it',
    names: [
      'src/agent/coordination/purge-list.ts purgesKept',
      'src/agent/database/replica-reinit.ts renewSlotSql',
      'src/failover/replica-reinit.ts missingMs',
      'src/failover/types.ts probes',
      'src/geo/cities.ts leastPopulation',
      'src/lab/drill/steps.ts waitedFor',
      'src/lab/faults/record.ts graceMs',
      'src/lab/users/plan/prefixes.ts nearKm',
      'src/lab/network/addresses.ts mostCities',
      'src/steering/agreement.ts agreementLimitMs',
    ],
  },
]

/** The same, without a use in their own file. */
const alone: Record<string, string> = {
  'src/lab/checker/index.ts checkFile':
    'docs/internals/checker.md: how an engineer checks a saved history again',
  'src/lab/drill/schedule.ts impaired': 'the property that every round of a soak is held to',
}

const members: Record<string, string> = {
  'src/lab/users/report/markup.ts Markup.toString': 'called by templates',
}

const home = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(home, file), 'utf8')
const code = globSync(['{src,bench,scripts,examples,setup,test}/**/*.{ts,js,mjs}', 'bin/*'], { cwd: home })
const isTest = (file: string) => file.startsWith('test/')
/** Packages are entered here: users import what it exports. */
const entry = 'src/index.ts'

type Export = { name: string; isType: boolean }

const listed = (list: string): Export[] =>
  list
    .split(',')
    .map((word) => word.trim().split(' as ')[0]!)
    .filter((word) => word !== '')
    .map((word) => ({ name: word.replace(/^type /, ''), isType: word.startsWith('type ') }))

function exportsOf(file: string): Export[] {
  const text = read(file)
  const declared = text.matchAll(/^export (?:async )?(function\*?|class|const|let|type|interface) (\w+)/gm)
  const lists = text.matchAll(/^export (type )?\{([^}]*)\}/gm)
  return [
    ...[...declared].map(([, kind, name]) => ({
      name: name!,
      isType: kind === 'type' || kind === 'interface',
    })),
    ...[...lists].flatMap(([, type, list]) =>
      listed(list!).map((one) => ({ ...one, isType: one.isType || type !== undefined })),
    ),
  ]
}

/** What a file takes from others: names by file. From what it loads as a whole, whatever word it says. */
function importsOf(file: string): [from: string, names: string[]][] {
  const text = read(file)
  const path = (relative: string) => join(dirname(file), relative)
  const named = text.matchAll(/^(?:import|export) (?:type )?\{([^}]*)\} from '(\.[^']+)'/gm)
  const whole = [...text.matchAll(/(?:\* (?:as \w+ )?from |\bimport\()'(\.[^']+)'/g)]
  const words = whole.length === 0 ? [] : [...new Set(text.match(/\w+/g))]
  return [
    ...[...named].map(([, list, from]): [string, string[]] => [
      path(from!),
      listed(list!).map(({ name }) => name),
    ]),
    ...whole.map(([, from]): [string, string[]] => [path(from!), words]),
  ]
}

test('every export of src is imported, functions, classes and constants outside tests', () => {
  const importers = new Map<string, { outside: Set<string>; all: Set<string> }>()
  for (const file of code)
    for (const [from, names] of importsOf(file)) {
      const known = importers.get(from) ?? { outside: new Set(), all: new Set() }
      importers.set(from, known)
      for (const name of names) {
        known.all.add(name)
        if (!isTest(file)) known.outside.add(name)
      }
    }
  const sources = code.filter((file) => /^src\/.*(?<!\.d)\.ts$/.test(file) && file !== entry)
  const unused = sources.flatMap((file) =>
    exportsOf(file)
      .filter(({ name, isType }) => !importers.get(file)?.[isType ? 'all' : 'outside'].has(name))
      .map(({ name }) => `${file} ${name}`),
  )
  const used = exceptions.flatMap(({ names }) => names)
  assert.deepEqual(unused.sort(), [...used, ...Object.keys(alone)].sort())
  for (const one of used) {
    const [file, name] = one.split(' ') as [string, string]
    assert.ok(
      read(file).match(new RegExp(`\\b${name}\\b`, 'g'))!.length > 1,
      `${one}: its own file does not use it, so it is its tests’`,
    )
  }
})

test('every method, and every function that a type has, is called outside tests', () => {
  const program = new Program()
  try {
    const all = [...program.files]
      .filter(([path]) => path.startsWith('src/'))
      .flatMap(([path, file]) => callableMembers(file).map((one) => ({ path, ...one })))
    assert.ok(all.length > 200, `${all.length} members`)
    const unread = new Set(
      program.unread(
        all.map(({ name }) => name),
        (path) => !isTest(path),
      ),
    )
    const unused = all.filter(({ name }) => unread.has(name))
    assert.deepEqual(
      unused.map(({ path, owner, name }) => `${path} ${owner}.${name.getText()}`),
      Object.keys(members),
    )
  } finally {
    program.close()
  }
})
