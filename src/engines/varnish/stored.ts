import type { Topology } from '../../topology/schema.ts'
import { haproxySockets } from '../haproxy/layout.ts'
import { storedHeaders } from './purge.ts'

/**
 * The part of the cache's rules that bounds what pages say of themselves and lets a purge find every response.
 *
 * A ban covers only responses that are already stored. A fetch that began before it, perhaps at an old instance of the
 * app, may be stored after it. So every fetch notes the count of purges when it begins, and is repeated if the count
 * is another one when its response arrives.
 *
 * VCL has no variables that outlive a request. The bits of the count are the health of backends that serve nothing: the
 * agent sets it (see control.ts), and a change takes effect immediately. The count is in Gray code, whose steps change
 * one bit each, so no fetch can see half a step.
 *
 * A response is stored when its body is complete, but VCL can compare only when its headers arrive. The count stays
 * with the response, so that a later ban can tell it from newer ones.
 */

/** A fetch that is overtaken by so many purges is passed on and not stored. Varnish's own limit is 4. */
const maxRetries = 3

const countBits = 8
const bitBackend = /^(.+)\.purges_(\d+)$/

const bits = Array.from({ length: countBits }, (_, bit) => `purges_${bit}`)

/** Subroutines and declarations. The rules must call `stored` for every response that they are about to store. */
export function storedVcl({ cdn }: Topology): string {
  const cap = `${cdn.pagesMaxSeconds}s`
  const { kind, url, host, purges } = storedHeaders
  return `# Flags, not servers: their health is the count of purges.
${bits.map((name) => `backend ${name} { .path = "${haproxySockets.origin}"; }`).join('\n')}

sub count_purges {
  set bereq.http.nearside-purges-now = ""${bits.map((name) => `\n    + std.healthy(${name})`).join('')};
}

sub vcl_backend_fetch {
  call count_purges;
  set bereq.http.nearside-purges = bereq.http.nearside-purges-now;
  unset bereq.http.nearside-purges-now;
}

sub stored {
  set beresp.http.${url} = bereq.url;
  set beresp.http.${host} = bereq.http.Host;
  set beresp.http.${purges} = bereq.http.nearside-purges;
  if (bereq.http.nearside-static) {
    set beresp.http.${kind} = "static";
  } else {
    set beresp.http.${kind} = "page";
    # A page says how long it may be kept before anybody knows when it will change.
${['ttl', 'grace', 'keep'].map((time) => `    if (beresp.${time} > ${cap}) {\n      set beresp.${time} = ${cap};\n    }`).join('\n')}
  }
  call count_purges;
  if (bereq.http.nearside-purges != bereq.http.nearside-purges-now) {
    # A purge has overtaken this fetch, and requests that came after the purge may wait for it.
    if (bereq.retries < ${maxRetries}) {
      return (retry);
    }
    set beresp.uncacheable = true;
    set beresp.ttl = 0s;
  }
}

sub vcl_deliver {
${Object.values(storedHeaders)
  .map((name) => `  unset resp.http.${name};`)
  .join('\n')}
}
`
}

type Step = {
  command: string
  /** The count before and after it, as fetches note it. */
  before: string
  after: string
}

/**
 * The next step of the count in every loaded VCL, from the output of `backend.list -j`. A VCL that was just loaded
 * counts from zero.
 */
export function countPurge(backendList: string): Step[] {
  const byVcl = new Map<string, boolean[]>()
  for (const [name, { admin_health }] of Object.entries(backendsIn(backendList))) {
    const [, vcl, bit] = bitBackend.exec(name) ?? []
    if (vcl === undefined) continue
    const flags = byVcl.get(vcl) ?? bits.map(() => false)
    flags[Number(bit)] = admin_health === 'sick'
    byVcl.set(vcl, flags)
  }
  return [...byVcl].map(([vcl, before]) => {
    const bit = nextFlip(before)
    const after = before.map((flag, i) => (i === bit ? !flag : flag))
    return {
      command: `backend.set_health ${vcl}.${bits[bit]} ${after[bit] ? 'sick' : 'auto'}`,
      before: noted(before),
      after: noted(after),
    }
  })
}

/** A flag is set while its backend is sick. */
const noted = (flags: readonly boolean[]) => flags.map((flag) => String(!flag)).join('')

/** The bit that the next step of a Gray code changes; the first flag is the lowest bit. */
function nextFlip(flags: readonly boolean[]): number {
  if (flags.filter(Boolean).length % 2 === 0) return 0
  return Math.min(flags.indexOf(true) + 1, flags.length - 1)
}

function backendsIn(backendList: string): Record<string, { admin_health?: string }> {
  const parts = JSON.parse(backendList) as unknown[]
  return (parts.at(-1) ?? {}) as Record<string, { admin_health?: string }>
}
