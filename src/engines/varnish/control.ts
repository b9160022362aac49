import { NearsideError } from '../../lib/errors.ts'
import { varnishPaths, varnishWorkFolder } from './layout.ts'
import { parseCounters, type VarnishCounters } from './parse.ts'

/** Runs a program of the engine root as Varnish runs: in the sandbox, in the region's folder. */
export type RunEngine = (command: string[]) => Promise<{ code: number | null; output: string }>

/** What to forget. `url` and `prefix` are paths with their query, of every host. */
export type Purge =
  | { kind: 'all' }
  | { kind: 'url'; url: string }
  | { kind: 'prefix'; prefix: string }
  /** Responses that named this tag in `surrogate-key` or `cache-tag`. */
  | { kind: 'tag'; tag: string }

export type VarnishControl = {
  /**
   * Forgets what was cached before this call; what is fetched afterwards is kept. There is no other way to do it: no
   * request can, whoever sends it. Small immutable responses also live in HAProxy's memory and stay there.
   */
  purge(what: Purge): Promise<void>
  counters(): Promise<VarnishCounters>
  /** Takes the rules from their file into use without losing the cache. A file that does not compile changes nothing. */
  load(name: string): Promise<{ ok: true } | { ok: false; detail: string }>
}

export function createVarnishControl(options: { folder: string; run: RunEngine }): VarnishControl {
  const { folder, run } = options
  // As one argument: varnishadm would quote several again.
  const admin = (line: string) => run(['/usr/bin/varnishadm', '-n', varnishWorkFolder, line])

  const order = async (line: string) => {
    const { code, output } = await admin(line)
    if (code !== 0) throw new NearsideError('varnish_refused', `varnish: ${line}: ${output.trim()}`)
    return output
  }

  return {
    async purge(what) {
      for (const ban of bansFor(what)) await order(`ban ${ban}`)
    },
    async counters() {
      const { code, output } = await run(['/usr/bin/varnishstat', '-n', varnishWorkFolder, '-j', '-t', '1'])
      if (code !== 0) throw new NearsideError('varnish_unreachable', `varnish: ${output.trim()}`)
      return parseCounters(output)
    },
    async load(name) {
      const loaded = await admin(`vcl.load ${name} ${inQuotes(`${folder}/${varnishPaths.config}`)}`)
      if (loaded.code !== 0) return { ok: false, detail: loaded.output.trim() }
      await order(`vcl.use ${name}`)
      for (const old of unused(await order('vcl.list'), name)) await order(`vcl.discard ${old}`)
      return { ok: true }
    },
  }
}

/** Ban expressions. They name only what is stored with the object, so Varnish works them off by itself. */
export function bansFor(what: Purge): string[] {
  switch (what.kind) {
    case 'all':
      return ['obj.status != 0']
    case 'url':
      return [`obj.http.nearside-url == ${quoted(what.url)}`]
    case 'prefix':
      return [`obj.http.nearside-url ~ ${quoted(`^${escaped(what.prefix)}`)}`]
    case 'tag': {
      const pattern = quoted(`(^|[\\s,])${escaped(what.tag)}($|[\\s,])`)
      return ['surrogate-key', 'cache-tag'].map((header) => `obj.http.${header} ~ ${pattern}`)
    }
  }
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** A word of a ban; bans cannot have spaces in their words. */
function quoted(text: string): string {
  for (const character of text)
    if (character <= ' ' || character === '\x7f')
      throw new NearsideError(
        'varnish_word',
        `varnish: no spaces or control characters: ${JSON.stringify(text)}`,
      )
  return inQuotes(text)
}

/** Varnish's command line knows backslashes and double quotes. */
const inQuotes = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

/** Names of rules that are neither in use nor just loaded; of older ones Varnish keeps nothing that matters. */
function unused(list: string, name: string): string[] {
  return list
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([status, , , , other]) => status === 'available' && other !== undefined && other !== name)
    .map((cells) => cells[4]!)
}
