import { topologyNames } from './find.ts'
import type { Key } from './problems.ts'
import { givenVariables } from './rules/app.ts'
import { reservedParameters } from './rules/parameters.ts'
import { topologySchema } from './schema.ts'
import { expected } from './translate.ts'
import { contract, expectation, type Node, nodeAt } from './walk.ts'

/** docs/reference/topology.md, made from the schema: `node scripts/docs.ts` writes it, a test keeps it current. */

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;')
const code = (value: unknown) => `\`${JSON.stringify(value)}\``

/** What a string at this path must look like, in the words of the error that a wrong one gets. */
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

/** Paths of the leaves below a node, `<name>` standing for a name of the operator's. */
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
    'Where a world on one machine lives. Regions on hosts of their own have an `address` each instead.',
  app: 'The app: anything that listens on a port, in any language.',
  database: 'PostgreSQL, one primary and a streaming replica in every other full region.',
  cache: 'Redis, one per full region, for the app.',
  cdn: 'Varnish, one per region that takes users.',
  steering: 'Which region a user is sent to.',
  failover: 'When a region counts as lost.',
  slo: 'What `nearside status` and alerts measure latency against.',
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

\`nearside check\` shows everything that is wrong at once, each with its path, what was expected and what to do; it
ends with exit code 1 then. What is allowed and probably not meant is a warning.

- An odd number of regions must vote (\`full\` and \`witness\`), at least three: two cannot outvote each other when one
  is lost. Seven are enough.
- Region names are not whole numbers: JavaScript does not keep the order of such keys, and the order gives the addresses.
- Every region has an address of its own; either all are inside one machine (127.x) or none is.
- \`database.primary\` names a full region. \`durability: 'region'\` and \`'strict'\` need two full regions.
- Every engine has a port of its own. The app's instances take one port each from \`ports.app\` on, over all full
  regions, because many apps listen on all addresses; no engine's port may lie among them.
- \`app.health\` is one path. Patterns in \`app.static\` are written as browsers send them, and none twice.
- \`app.writes.methods\` holds no safe method (GET, HEAD, OPTIONS, TRACE); a path that writes is not static.
- \`failover.suspectMs\` is at least twice \`failover.probeMs\`.
- The app's folder, the programs of \`app.command\` and \`app.release\` and the files of \`steering.geoip\` exist
  (\`nearside check --no-files\` does not look).
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
    '<!-- Made from src/topology/schema.ts by `node scripts/docs.ts`. Do not edit. -->',
    '',
    '# The topology file',
    '',
    'One file describes the world: which regions, which app, what may be lost. `nearside init` writes a first one.',
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
    `Every command looks in the current folder for one of ${topologyNames.map((name) => `\`${name}\``).join(', ')}, or takes`,
    '`--topology FILE`. Two of them in one folder are refused.',
    '',
    '- TypeScript and JavaScript files are run, with the rights of the command; types are stripped, not checked. The',
    '  topology is the default export. `nearside` need not be installed beside the app for the import to work.',
    '- YAML is version 1.2, with anchors and merge keys (`<<`). JSON is valid YAML: name it `nearside.yaml`.',
    '- Editors check and complete the YAML form by its JSON Schema, `topology.schema.json` in the package. `nearside init --yaml`',
    '  names it in the first line. A `$schema` key is accepted and ignored.',
    '- Where the package is not installed beside the app, `nearside init` writes `nearside-env.d.ts` or `nearside.schema.json`, by',
    '  which editors and `tsc` know the keys. Commit it. `nearside init --editor` writes it anew after an upgrade.',
    '- At most 256 KB, in UTF-8.',
    '',
    section(
      '(top)',
      { type: 'object', properties: scalars, required: contract.required ?? [] },
      [],
      undefined,
    ).replace('## `(top)`', '## Top level'),
    ...sections,
    rules,
    '## Variables that every instance is given',
    '',
    `${[...givenVariables, 'NEARSIDE_*'].map((name) => `\`${name}\``).join(', ')}. They cannot be set in \`app.env\` or \`regions.<name>.env\`.`,
    '',
    '## PostgreSQL parameters that cannot be set',
    '',
    '| parameter | because |',
    '|---|---|',
    ...parameters,
    '| `recovery_target*` | Patroni and Nearside set it so that replicas can follow and be promoted |',
    '',
  ].join('\n')
}
