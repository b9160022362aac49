import type { Command } from 'commander'

type Register = (lab: Command) => void

/** Commands of a lab, in the order of `nearside lab --help`. Only the called one is loaded. */
const commands: Record<string, () => Promise<Register>> = {
  up: async () => (await import('./lab/up.ts')).upCommand,
  down: async () => (await import('./lab/down.ts')).downCommand,
  status: async () => (await import('./lab/status.ts')).statusCommand,
  link: async () => (await import('./lab/link.ts')).linkCommand,
  users: async () => (await import('./lab/users.ts')).usersCommand,
  fault: async () => (await import('./lab/fault.ts')).faultCommand,
  exec: async () => (await import('./lab/exec.ts')).execCommand,
}

const examples = `
A lab runs each region of a world in a network namespace of its own, connected
by links with realistic latency. It shows, on one machine, how a topology
performs for its users and how it behaves when a region fails. Requires root.

Examples:
  nearside lab up && nearside lab status
  nearside lab link us-east us-west --delay 80ms --loss 1%
  nearside status --world shop-lab      all other commands work on a lab, too

Exit codes: same as nearside --help.`

export async function labCommand(program: Command, words: readonly string[]): Promise<void> {
  const lab = program
    .command('lab')
    .description('run a world on a simulated wide-area network (root)')
    .addHelpText('after', examples)
  const called = words[1] === undefined ? undefined : commands[words[1]]
  for (const load of called ? [called] : Object.values(commands)) (await load())(lab)
}
