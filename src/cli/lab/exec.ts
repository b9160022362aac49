import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Command } from 'commander'
import { users } from '../../lab/faults/arguments.ts'
import { openLab } from '../../lab/open.ts'
import { unknown } from '../../lib/did-you-mean.ts'
import type { WorldOptions } from '../../world/find.ts'
import { ownPlaces } from '../../world/namespaces/names.ts'
import { action } from '../output.ts'

const examples = `
Examples:
  nearside lab exec us-east -- ss -tn
  nearside lab exec router -- tcpdump -ni wan      all traffic between places
  nearside lab exec internet -- \\
    curl --interface 10.252.0.1 http://10.77.1.1:8080/

A place is a region, internet (also called users: where they connect from) or
router (reaches every region, whatever is cut). The command can be any program
of this machine; only its network differs.
Exit code: that of the command.`

export function execCommand(lab: Command): void {
  lab
    .command('exec')
    .description('run a command in the network of a region or of the users')
    .argument('<place>', 'a region, internet or router')
    .argument('<command...>', 'command and its arguments, after --')
    .addHelpText('after', examples)
    .action(
      action<WorldOptions & { json?: boolean }>(async ({ options, args }) => {
        const [named, ...command] = args
        const lab = await openLab(options)
        const places = [...lab.regions.map((region) => region.name), ...ownPlaces]
        // The name that faults use.
        const place = named === users && !places.includes(users) ? 'internet' : named
        if (!places.includes(place!)) unknown('place', place!, places)
        return run([...lab.inside(place!), '--', ...command])
      }),
    )
}

/** Runs in the foreground: Ctrl-C goes to the command, which decides how to react. */
function run([file, ...args]: readonly string[]): Promise<number> {
  const ignore = () => undefined
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, ignore)
  const child = spawn(file!, args, { stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? 128 + (constants.signals[signal!] ?? 0)))
  })
}
