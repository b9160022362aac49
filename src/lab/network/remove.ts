import { readdirSync } from 'node:fs'
import { NearsideError } from '../../lib/errors.ts'
import { isProgramPath } from '../../lib/program.ts'
import { exists, forgetStale } from '../../world/namespaces/enter.ts'
import { namespaceOf, parseNamespace } from '../../world/namespaces/names.ts'
import { ip } from './ip.ts'
import { endAll, type Inhabitant, processesIn } from './processes.ts'

/** The names of namespaces on this machine that belong to labs: of this one, or of all. */
export function labNamespaces(id?: string): string[] {
  let names: string[]
  try {
    names = readdirSync('/run/netns')
  } catch {
    return []
  }
  return names.filter((name) => {
    const found = parseNamespace(name)
    return found !== undefined && (id === undefined || found.id === id)
  })
}

const patienceMs = 2000

const isCommand = ({ command }: Inhabitant) => command.some((word) => isProgramPath(word, 'cli/main'))

/**
 * Ends what still runs in a lab's namespaces and removes them, whatever of them there is; their devices go with them.
 * In the router a person's own command is left alone, and every `nearside`, which may be waiting for this one: it holds
 * a network without any line then.
 * Resolves to the names of the programs that had to be ended.
 */
export async function removeNetwork(id: string): Promise<string[]> {
  const names = labNamespaces(id)
  const router = namespaceOf(id, 'router')
  const left = () =>
    processesIn(names).filter((one) => one.namespace !== router || (one.daemon && !isCommand(one)))
  const ended = await endAll(left, patienceMs)
  const survivors = left()
  if (survivors.length > 0)
    throw new NearsideError(
      'lab_remove_failed',
      `still running in the lab: ${survivors.map((one) => `${one.name} (process ${one.pid})`).join(', ')}`,
      { remedy: `see what holds them, then: kill -9 ${survivors.map((one) => one.pid).join(' ')}` },
    )
  for (const name of names) {
    if (exists(name)) await ip(['netns', 'del', name])
    forgetStale(name)
  }
  return [...new Set(ended.map((one) => one.name))]
}
