import type { Command } from 'commander'

type Register = (lab: Command) => void

/** What can be done with a lab, in the order of `nearside lab --help`; only what is called is loaded. */
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
A lab is the world of a topology with each region in a network of its own and real distances between them, so that
what a topology does to its users, and what the loss of a region does, can be seen on one machine. It needs root.

Examples:
  nearside lab up && nearside lab status
  nearside lab link us-east us-west --delay 80ms --loss 1%
  nearside status --world shop-lab      every other command works on it as on any world

Exit codes: as of every command; see nearside --help.`

export async function labCommand(program: Command, words: readonly string[]): Promise<void> {
  const lab = program
    .command('lab')
    .description('a wide-area network on this machine, with the world in it')
    .addHelpText('after', examples)
  const called = words[1] === undefined ? undefined : commands[words[1]]
  for (const load of called ? [called] : Object.values(commands)) (await load())(lab)
}
