import { readdirSync } from 'node:fs'
import { NearsideError } from '../../lib/errors.ts'
import { isProgramPath } from '../../lib/program.ts'
import { exists, forgetStale } from '../../world/namespaces/enter.ts'
import { namespaceOf, parseNamespace } from '../../world/namespaces/names.ts'
import { ip } from './ip.ts'
import { endAll, type LabProcess, processesIn } from './processes.ts'

/** Names of this machine's lab namespaces, of one lab or of all. */
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

const graceMs = 2000

const isCommand = ({ command }: LabProcess) => command.some((word) => isProgramPath(word, 'cli/main'))

/**
 * Stops the processes in a lab's namespaces and removes the namespaces together with their devices, even incomplete
 * ones. Spares the user's own commands in the router and every `nearside`, which may be waiting for this one; they keep
 * a network without any link. Resolves to the names of the stopped programs.
 */
export async function removeNetwork(id: string): Promise<string[]> {
  const names = labNamespaces(id)
  const router = namespaceOf(id, 'router')
  const left = () =>
    processesIn(names).filter((one) => one.namespace !== router || (one.daemon && !isCommand(one)))
  const ended = await endAll(left, graceMs)
  const survivors = left()
  if (survivors.length > 0)
    throw new NearsideError(
      'lab_remove_failed',
      `still running in the lab: ${survivors.map((one) => `${one.name} (process ${one.pid})`).join(', ')}`,
      { remedy: `find out what blocks them, then run kill -9 ${survivors.map((one) => one.pid).join(' ')}` },
    )
  for (const name of names) {
    if (exists(name)) await ip(['netns', 'del', name])
    forgetStale(name)
  }
  return [...new Set(ended.map((one) => one.name))]
}
