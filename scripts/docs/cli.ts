import type { Command } from 'commander'
import { programFor } from '../../src/cli/program.ts'

/** docs/reference/cli.md, generated from --help: `npm run docs` writes it, and a test compares it. */

const columns = 100

const intro = `<!-- Made from the help of the commands by \`npm run docs\`. Do not edit. -->

# Command line

This page is the output of \`nearside COMMAND --help\` for every command, without the global options.

**Which world.** Every command looks for a [topology file](topology.md) in the current folder. \`-t\`, \`--topology FILE\` names
another file or folder. \`-w\`, \`--world NAME\` chooses one when a folder has several worlds, such as \`shop\` and \`shop-lab\`.

**Output.** The answer goes to standard output, progress and warnings to standard error. \`--json\` prints one JSON document on
standard output. \`NO_COLOR\` turns colours off; \`FORCE_COLOR\` turns them on where standard output is not a terminal.

**Exit codes.** The help of each command lists its own codes. They follow one scheme:

| code | meaning |
|---|---|
| 0 | done; for \`status\`: healthy |
| 1 | a problem: the command failed, or the answer is no |
| 2 | wrong usage |
| 3 | \`status\`: degraded |
| 70 | a bug in Nearside; \`NEARSIDE_DEBUG=1\` prints the stack |
| 130 | interrupted by Ctrl-C |

**Errors.** An error has a message, in most cases a remedy, and a code for programs. With \`--json\`:

    { "error": { "code": "world_not_found", "message": "…", "remedy": "…" } }

A refused topology also has \`file\` and \`problems\`, each with \`path\`, \`message\` and \`remedy\`.

**Environment.**

| variable | effect |
|---|---|
| \`NEARSIDE_LOG_LEVEL\` | level of the agents' logs, read when an agent starts: \`trace\`, \`debug\`, \`info\` (default), \`warn\`, \`error\`, \`fatal\` or \`silent\` |
| \`NEARSIDE_DEBUG\` | if set, a command prints the stack of an unexpected error, and \`nearside down\` prints why the processes of a region without an agent could not be stopped in order |
`

/** The output of `--help` at a fixed width, without the global options. */
function helpOf(command: Command): string {
  let text = ''
  command
    .configureHelp({ ...command.configureHelp(), showGlobalOptions: false, helpWidth: columns })
    .configureOutput({
      writeOut: (part) => {
        text += part
      },
      getOutHelpWidth: () => columns,
      getOutHasColors: () => false,
    })
    .outputHelp()
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trim()
}

function sections(command: Command, parents: readonly string[]): string[] {
  const names = [...parents, command.name()]
  const own = `## ${names.join(' ')}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`
  return [own, ...command.commands.flatMap((one) => sections(one, names))]
}

/** The content of docs/reference/cli.md. */
export async function renderCliReference(): Promise<string> {
  return [intro, ...sections(await programFor(['--help']), [])].join('\n')
}
