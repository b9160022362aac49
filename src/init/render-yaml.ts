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

/** Words that some YAML parsers do not read as strings. */
const reserved = /^(?:true|false|null|yes|no|on|off|y|n)$/i

/** A YAML string, unquoted if every parser reads it as a string. */
const text = (value: string) =>
  /^(?:[A-Za-z_/]|\.\.?\/)[\w./-]*$/.test(value) && !reserved.test(value) ? value : escaped(value)

const list = (values: readonly string[]) => `[${values.map(text).join(', ')}]`
const comment = (indent: string, lines: readonly string[]) => lines.map((line) => `${indent}# ${line}`)

/** Renders nearside.yaml. Every value from the app goes through `text`, so none can change the structure. */
export function renderYaml(found: Detected, firstLine?: string): string {
  const env = Object.entries(found.env).map(([name, value]) => `    ${text(name)}: ${text(value)}`)
  const names = shownNames(found).map((name) => `    # ${name}: ''`)
  return `${[
    ...(firstLine === undefined ? [] : [firstLine]),
    ...comment('', comments.file),
    `name: ${text(found.name)}`,
    ...comment('', comments.domain),
    `domain: ${text(exampleDomain(found))}`,
    '',
    ...comment('', comments.regions),
    'regions:',
    ...exampleRegions.map(([name, region]) => `  ${name}: ${region}`),
    '',
    'app:',
    ...comment('  ', comments.command),
    `  command: ${list(found.command)}`,
    '  instances: 2',
    ...comment('  ', comments.health),
    `  health: ${text(found.health)}`,
    ...comment('  ', comments.static),
    `  static: ${list(found.static)}`,
    ...comment('  ', comments.release),
    found.release
      ? `  release: ${list(found.release)}`
      : `  # release: ${list(found.releaseHint ?? exampleRelease)}`,
    ...comment('  ', comments.writes),
    '  # writes: { also: [GET /logout], except: [POST /search] }',
    ...(env.length > 0
      ? [...comment('  ', comments.env), '  env:', ...env, ...names]
      : names.length > 0
        ? [...comment('  ', comments.env), '  # env:', ...names]
        : []),
    '',
    'database:',
    '  primary: us-east',
    ...comment('  ', comments.durability),
    '  durability: region',
    '',
    ...comment('', comments.geoip),
    ...(found.places.length > 0
      ? ['steering:', '  geoip:', ...found.places.map((place) => `    - ${text(place)}`)]
      : ['# steering:', `#   geoip: ['${exampleGeoip}']`]),
  ].join('\n')}\n`
}
