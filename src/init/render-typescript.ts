import type { Detected } from './detect.ts'
import {
  comments,
  escaped,
  exampleDomain,
  exampleGeoip,
  exampleRegions,
  exampleRelease,
  shownNames,
} from './render.ts'

/** A TypeScript string literal, in single quotes unless it needs escapes. */
function text(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters need JSON's escapes
  return /['\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(value) ? escaped(value) : `'${value}'`
}

const list = (values: readonly string[]) => `[${values.map(text).join(', ')}]`
const key = (name: string) => (/^[A-Za-z_]\w*$/.test(name) ? name : text(name))
const comment = (indent: string, lines: readonly string[]) => lines.map((line) => `${indent}// ${line}`)

/** Renders nearside.config.ts. Every value from the app goes through `text`, so none can inject code. */
export function renderTypeScript(found: Detected, firstLine?: string): string {
  const env = Object.entries(found.env).map(([name, value]) => `      ${key(name)}: ${text(value)},`)
  const names = shownNames(found).map((name) => `      // ${name}: process.env.${name} ?? '',`)
  return `${[
    ...(firstLine === undefined ? [] : [firstLine]),
    `import { defineTopology } from 'nearside'`,
    '',
    ...comment('', comments.file),
    'export default defineTopology({',
    `  name: ${text(found.name)},`,
    ...comment('  ', comments.domain),
    `  domain: ${text(exampleDomain(found))},`,
    '',
    ...comment('  ', comments.regions),
    '  regions: {',
    ...exampleRegions.map(([name, region]) => `    '${name}': ${region},`),
    '  },',
    '',
    '  app: {',
    ...comment('    ', comments.command),
    `    command: ${list(found.command)},`,
    '    instances: 2,',
    ...comment('    ', comments.health),
    `    health: ${text(found.health)},`,
    ...comment('    ', comments.static),
    `    static: ${list(found.static)},`,
    ...comment('    ', comments.release),
    found.release
      ? `    release: ${list(found.release)},`
      : `    // release: ${list(found.releaseHint ?? exampleRelease)},`,
    ...comment('    ', comments.writes),
    `    // writes: { also: ['GET /logout'], except: ['POST /search'] },`,
    ...(env.length + names.length === 0
      ? []
      : [...comment('    ', comments.env), '    env: {', ...env, ...names, '    },']),
    '  },',
    '',
    '  database: {',
    `    primary: 'us-east',`,
    ...comment('    ', comments.durability),
    `    durability: 'region',`,
    '  },',
    '',
    '  steering: {',
    ...comment('    ', comments.geoip),
    ...(found.places.length > 0
      ? [`    geoip: [`, ...found.places.map((place) => `      ${text(place)},`), '    ],']
      : [`    // geoip: ['${exampleGeoip}'],`]),
    '  },',
    '})',
  ].join('\n')}\n`
}
