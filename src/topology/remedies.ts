import { didYouMean } from '../lib/did-you-mean.ts'
import type { Key } from './problems.ts'
import { defaultRemedy, valueRemedy } from './values.ts'
import { type Node, nodeAt } from './walk.ts'

/** `A Shop!` → `a-shop`; undefined when no usable character is left. */
export function asLabel(text: string): string | undefined {
  const label = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f']/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '')
  return label === '' ? undefined : label
}

/** `us-east, US West` → `us-east us-west`. */
export function asPair(text: string): string | undefined {
  const names = text
    .toLowerCase()
    .split(/[^a-z0-9-]+|(?<=\w)->|--+/)
    .filter(Boolean)
  return names.length === 2 && names.every((name) => asLabel(name) === name) ? names.join(' ') : undefined
}

/** A database name as PostgreSQL takes it without quotes: `a-b` → `a_b`. */
function asIdentifier(text: string): string | undefined {
  const name = asLabel(text)
    ?.replaceAll('-', '_')
    .replace(/^(?=\d)/, '_')
    .slice(0, 63)
  return name === text ? undefined : name
}

/** Keys and values by names that other tools have for them, and that resemble ours too little for “did you mean”. */
export const synonyms: Readonly<Record<string, string>> = {
  lng: 'lon',
  long: 'lon',
  longitude: 'lon',
  latitude: 'lat',
  ip: 'address',
  host: 'address',
  environment: 'env',
  migrate: 'release',
  replicas: 'instances',
  healthcheck: 'health',
}

/** Remedies for values that an enum does not have, by key and value. */
const enumRemedies: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  role: {
    primary: 'remove role: every full region can hold the primary; database.primary names the first one',
    leader: 'remove role: every full region can hold the primary; database.primary names the first one',
    master: 'remove role: every full region can hold the primary; database.primary names the first one',
    replica: 'remove role: a full region that does not hold the primary is a replica',
    standby: 'remove role: a full region that does not hold the primary is a replica',
    arbiter: 'write witness',
    cdn: 'write edge',
    pop: 'write edge',
  },
  durability: {
    sync: 'write region, or strict to stop writes while there is no second region',
    synchronous: 'write region, or strict to stop writes while there is no second region',
    async: 'write local',
    asynchronous: 'write local',
    none: 'write local',
  },
}

const quoted = (text: string | undefined) =>
  text === undefined ? undefined : `write ${JSON.stringify(text)}`

function hostname(text: string): string | undefined {
  const host = text
    .trim()
    .toLowerCase()
    .replace(/^[a-z+]+:\/\//, '')
    .replace(/[/:?#].*$/, '')
    .replace(/^\*\.|\.$/g, '')
  if (host === text || host === '') return undefined
  return /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(host) ? host : undefined
}

function words(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.trim() === '') return undefined
  return `write ${JSON.stringify(value.trim().split(/\s+/))}`
}

const required: Record<string, string> = {
  name: 'add name: "shop", the name of this world',
  domain: 'add domain: "shop.example.com", the domain that users visit',
  regions: 'add regions: two full regions and a third with role "witness"',
  app: 'add app: { command: ["node", "server.js"] }',
  command: 'add command: ["node", "server.js"], the command that starts one instance',
  location: 'add location: { lat: 39.04, lon: -77.49 }, the location of the region in degrees',
  lat: 'add lat, the latitude in degrees, north positive',
  lon: 'add lon, the longitude in degrees, east positive',
}

/**
 * Keys that an operator may expect but that would have no effect, by path. They are refused, because accepting them
 * would be misleading.
 */
export const unsupported: Readonly<Record<string, { message: string; remedy: string }>> = {
  'ports.https': {
    message: 'not supported: the edge has no TLS yet',
    remedy: 'remove it; users reach the edge over HTTP, on ports.http',
  },
  'app.writes.methods': {
    message: 'not supported any more: every method writes that is not in app.writes.safeMethods',
    remedy: 'remove it; list requests that do not write in app.writes.except, such as "POST /search"',
  },
}

/** Corrections of common mistakes, by the last key of the path. */
const meant: Record<string, (text: string) => string | undefined> = {
  name: (text) => quoted(asLabel(text)),
  domain: (text) =>
    quoted(hostname(text)) ??
    (/^localhost$/i.test(text)
      ? 'write a name with a dot, such as "shop.test": clients resolve localhost themselves and never ask the edge’s DNS'
      : /^[a-z0-9-]+$/i.test(text)
        ? quoted(`${text.toLowerCase()}.example.com`)
        : undefined),
  base: (text) => quoted(/^(\d{1,3}\.\d{1,3})(\.|\/)/.exec(text)?.[1]),
  health: (text) => quoted(pathPattern(text)),
  static: (text) => quoted(pathPattern(text)),
  safeMethods: (text) => (/^[a-z]+$/i.test(text.trim()) ? quoted(text.trim().toUpperCase()) : undefined),
  also: (text) => quoted(rule(text)),
  except: (text) => quoted(rule(text)),
}

/**
 * A path pattern as the schema accepts it: with a leading slash, percent-encoded as browsers send it, without a query,
 * and with nothing after its first `*`. Undefined when that is the same text, or empty.
 */
function pathPattern(text: string): string | undefined {
  const path = text
    .trim()
    .replace(/^[a-z+]+:\/\/[^/]*/i, '')
    .replace(/\?.*$/s, '')
    .replace(/\*.*$/s, '*')
    .replaceAll('\\', '/')
    .replace(
      /[\s"']/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
  const rooted = path.startsWith('/') ? path : `/${path}`
  return rooted === text || path === '' || !/^\/[\w%./*~:@!$&()+,;=-]*$/.test(rooted) ? undefined : rooted
}

function rule(text: string): string | undefined {
  const [, method = '', path = ''] = /^\s*([a-z]+)[\s:]+(\/.*)$/is.exec(text) ?? []
  const pattern = pathPattern(path) ?? (path === '' ? undefined : path)
  return pattern === undefined ? undefined : `${method.toUpperCase()} ${pattern}`
}

/** Remedy for a value that the schema refused; undefined when the expectation is enough. */
export function remedyFor(at: readonly Key[], value: unknown, node: Node | undefined): string | undefined {
  return ownRemedy(at, value, node) ?? (node && value !== undefined ? general(at, value, node) : undefined)
}

/** For any key, from its type, unit, range and default alone. */
function general(at: readonly Key[], value: unknown, node: Node): string | undefined {
  const key = at.at(-1)
  const parent = nodeAt(at.slice(0, -1))
  const isNamed = typeof key === 'string' && parent?.properties !== undefined
  const isRequired = isNamed && (parent?.required ?? []).includes(key)
  if (value === null && !isNamed) return 'remove it'
  if (value === null && isRequired) return required[key]
  return valueRemedy(value, at, node) ?? (isNamed && !isRequired ? defaultRemedy(node) : undefined)
}

/** For particular keys and mistakes. */
function ownRemedy(at: readonly Key[], value: unknown, node: Node | undefined): string | undefined {
  const named = [...at].reverse().find((key) => typeof key === 'string')
  const last = typeof named === 'string' ? named : ''
  if (value === undefined) return required[last]
  const parent = at.at(-2)
  if (parent === 'env' && typeof value !== 'string' && typeof value !== 'object')
    return 'put it in quotes: environment values are strings'
  if (value !== null && (last === 'maxMemory' || last === 'maxBody'))
    return 'write a number and a unit, such as "256mb"'
  if (node?.enum && typeof value === 'string')
    return enumRemedies[last]?.[value.trim().toLowerCase()] ?? didYouMean(value, node.enum)
  if (
    (last === 'lat' || last === 'lon') &&
    typeof value === 'number' &&
    Math.abs(value) > 90 &&
    Math.abs(value) <= 180
  )
    return 'check whether lat and lon are swapped'
  if (node?.type === 'array' && (last === 'command' || last === 'release')) return words(value)
  if (last === 'base' && typeof value === 'number') return 'put it in quotes: network.base is a string'
  if (node?.type === 'object' && value === null) return 'remove the key, or add values below it'
  if (at[0] === 'database' && last === 'name' && typeof value === 'string') return quoted(asIdentifier(value))
  return typeof value === 'string' && node?.type === 'string' ? meant[last]?.(value) : undefined
}
