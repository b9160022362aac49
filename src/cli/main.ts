import { Command } from 'commander'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { version } from '../lib/version.ts'
import { downCommand } from './down.ts'
import { statusCommand } from './status.ts'
import { upCommand } from './up.ts'

const program = new Command('nearside').version(version)
upCommand(program)
downCommand(program)
statusCommand(program)
try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`error: ${messageOf(error)}\n`)
  if (error instanceof NearsideError && error.remedy) process.stderr.write(`  ${error.remedy}\n`)
  process.exit(1)
}
