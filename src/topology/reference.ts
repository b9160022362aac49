import { topologyNames } from './find.ts'
import type { Key } from './problems.ts'
import { givenVariables } from './rules/app.ts'
import { replicationReason, reservedParameters } from './rules/parameters.ts'
import { topologySchema } from './schema.ts'
import { expected } from './translate.ts'
import { contract, expectation, type Node, nodeAt } from './walk.ts'

/**
 * Renders docs/reference/topology.md from the schema. `node scripts/docs.ts` writes it; a test fails while it is stale.
 */

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;')
const code = (value: unknown) => `\`${JSON.stringify(value)}\``

/** The expected form of a string at this path, taken from the error for a wrong one. */
function form(at: readonly Key[]): string {
  const wrong = '\u0000'
  const input = at.reduceRight<unknown>(
    (value, key) => (typeof key === 'number' ? [value] : { [key]: value }),
    wrong,
  )
  for (const issue of topologySchema.safeParse(input).error?.issues ?? [])
    if (issue.path.length === at.length && issue.path.every((key, i) => key === at[i]))
      return expected(issue, at, wrong)
  return 'a string'
}

function kind(node: Node, at: readonly Key[]): string {
  if (node.type === 'array') {
    const item = form([...at, 0])
    const list = item === 'a string' ? 'list of strings' : `list, each item ${item}`
    return node.minItems ? `${list}, at least one` : list
  }
  if (node.type === 'string' && !node.enum) return form(at)
  if (typeof node.additionalProperties === 'object')
    return node.additionalProperties.type === 'string' ? 'strings by name' : 'values by name'
  return expectation(node)
}

/** The leaves below a node, with their paths. */
function leaves(node: Node, at: readonly Key[]): { at: readonly Key[]; node: Node; required: boolean }[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const required = node.required?.includes(key) ?? false
    if (child.properties && key !== 'location') return leaves(child, [...at, key])
    return [{ at: [...at, key], node: child, required }]
  })
}

const shown = (at: readonly Key[], from: number) => at.slice(from).join('.')

function defaultOf({ node, required, at }: { node: Node; required: boolean; at: readonly Key[] }): string {
  if (required) return '**required**'
  if (node.default === undefined) return at.join('.') === 'ports.app' ? '3000' : ''
  return typeof node.default === 'object' && Object.keys(node.default as object).length === 0
    ? 'none'
    : code(node.default)
}

function section(title: string, node: Node, at: readonly Key[], intro: string | undefined): string {
  const rows = leaves(node, at).map((leaf) => {
    const type = shown(leaf.at, 0).endsWith('.location')
      ? '`{ lat, lon }`: numbers from -90 to 90, from -180 to 180'
      : kind(leaf.node, leaf.at)
    return `| \`${shown(leaf.at, at.length)}\` | ${cell(type)} | ${cell(defaultOf(leaf))} | ${cell(leaf.node.description ?? '')} |`
  })
  return [
    `## \`${title}\``,
    '',
    ...(intro ? [intro, ''] : []),
    '| key | value | default | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

const intros: Record<string, string> = {
  network:
    'The addresses of a world on one machine. Regions on separate hosts set `regions.<name>.address` instead.',
  app: 'The app: anything that listens on a port, in any language.',
  database: 'PostgreSQL, one primary and a streaming replica in every other full region.',
  cache: 'Redis, one per full region, for the app.',
  edge: 'HAProxy, one per region that takes users.',
  cdn: 'Varnish, one per region that takes users.',
  steering: 'How DNS chooses a region for a user.',
  failover: 'When a region is declared unreachable.',
  slo: 'The latency objective of `nearside lab users` and drills.',
}

const example = `import { defineTopology } from 'nearside'

export default defineTopology({
  name: 'shop',
  domain: 'shop.example.com',
  regions: {
    'us-east': { location: { lat: 39.04, lon: -77.49 } },
    'us-west': { location: { lat: 45.84, lon: -119.7 } },
    'us-central': { location: { lat: 41.26, lon: -95.86 }, role: 'witness' },
  },
  app: {
    command: ['node', 'server.ts'],
    instances: 2,
    health: '/healthz',
    static: ['/assets/*'],
    writes: { also: ['GET /logout'], except: ['POST /search'] },
    env: { LOG_LEVEL: 'info' },
  },
  database: { primary: 'us-east', durability: 'region' },
  cache: { maxMemory: '256mb' },
  steering: { ttlSeconds: 20 },
  slo: { latencyMs: 100, share: 0.95 },
})
`

const yamlExample = `name: shop
domain: shop.example.com
regions:
  us-east: { location: { lat: 39.04, lon: -77.49 } }
  us-west: { location: { lat: 45.84, lon: -119.7 } }
  us-central: { location: { lat: 41.26, lon: -95.86 }, role: witness }
app:
  command: [node, server.ts]
  instances: 2
  health: /healthz
  static: [/assets/*]
  writes: { also: [GET /logout], except: [POST /search] }
  env: { LOG_LEVEL: info }
database: { primary: us-east, durability: region }
cache: { maxMemory: 256mb }
steering: { ttlSeconds: 20 }
slo: { latencyMs: 100, share: 0.95 }
`

const rules = `## Rules over several keys

\`nearside check\` reports all problems at once, each with its path, the expectation and a remedy, and exits with code 1.
A value that is valid but probably unintended gives a warning.

- The number of voting regions (\`full\` and \`witness\`) is odd and at least three: with two, neither has a majority
  when the other fails. More than seven add no safety and slow down every decision.
- Region names are not whole numbers: JavaScript does not keep such keys in order, and the order determines the addresses.
- Every region has a unique address. Either all addresses are loopback addresses (127.x) or none is.
- \`database.primary\` names a full region. \`durability: 'region'\` and \`'strict'\` need two full regions.
- Every engine has a unique port. The app's instances take consecutive ports from \`ports.app\` on, across all full
  regions, because many apps listen on all addresses. No engine's port may be in that range.
- \`app.health\` is a single path. Patterns in \`app.static\` are written as browsers send them and are not repeated.
- A path that writes (\`app.writes.also\`) is not static.
- \`failover.suspectMs\` is at least twice \`failover.probeMs\`.
- The app's folder, the programs of \`app.command\` and \`app.release\` and the files of \`steering.geoip\` exist
  (\`nearside check --no-files\` skips this).
`

/** The whole of docs/reference/topology.md. */
export function renderReference(): string {
  const properties = contract.properties ?? {}
  const scalars = Object.fromEntries(
    Object.entries(properties).filter(([, node]) => !node.properties && node.type === 'string'),
  )
  const sections = Object.entries(properties).flatMap(([name, node]) => {
    if (name in scalars) return []
    if (name === 'regions')
      return [section('regions.<name>', nodeAt(['regions', 'name'])!, ['regions', 'name'], node.description)]
    return [section(name, node, [name], node.description ?? intros[name])]
  })
  const parameters = Object.entries(reservedParameters).map(([name, why]) => `| \`${name}\` | ${cell(why)} |`)
  return [
    '<!-- Generated from src/topology/schema.ts by `node scripts/docs.ts`. Do not edit. -->',
    '',
    '# The topology file',
    '',
    'One file describes the world: its regions, the app, and the durability of writes. `nearside init` writes a first one.',
    '',
    '```ts',
    `// nearside.config.ts\n${example.trimEnd()}`,
    '```',
    '',
    'The same as YAML:',
    '',
    '```yaml',
    `# nearside.yaml\n${yamlExample.trimEnd()}`,
    '```',
    '',
    `Every command reads one of ${topologyNames.map((name) => `\`${name}\``).join(', ')} in the current folder, or the`,
    'file given with `--topology FILE`. Two of them in one folder are an error.',
    '',
    '- TypeScript and JavaScript files are executed with the rights of the command. Types are stripped, not checked. The',
    '  topology is the default export. The import works even if `nearside` is not installed in the app’s folder.',
    '- YAML files are YAML 1.2, with anchors and merge keys (`<<`). JSON is valid YAML: name the file `nearside.yaml`.',
    '- Editors check and complete the YAML form with its JSON Schema, `topology.schema.json` in the package.',
    '  `nearside init --yaml` refers to it in the first line. A `$schema` key is accepted and ignored.',
    '- If the package is not installed in the app’s folder, `nearside init` writes `nearside-env.d.ts` or',
    '  `nearside.schema.json`, from which editors and `tsc` know the keys. Commit the file. After an upgrade, write it again',
    '  with `nearside init --editor`.',
    '- A topology file is UTF-8 and at most 256 KB in size.',
    '',
    section(
      '(top)',
      { type: 'object', properties: scalars, required: contract.required ?? [] },
      [],
      undefined,
    ).replace('## `(top)`', '## Top level'),
    ...sections,
    rules,
    '## Environment variables that Nearside sets',
    '',
    `Every instance gets ${[...givenVariables, 'NEARSIDE_*'].map((name) => `\`${name}\``).join(', ')}. They cannot be set in \`app.env\` or \`regions.<name>.env\`.`,
    '',
    '## PostgreSQL parameters that cannot be set',
    '',
    '| parameter | reason |',
    '|---|---|',
    ...parameters,
    `| \`recovery_target*\` | ${cell(replicationReason)} |`,
    '',
  ].join('\n')
}
