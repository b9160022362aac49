import { readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { detect } from '../init/detect.ts'
import { editorFileOf, editorHelp, editorText, type Form } from '../init/editor.ts'
import { renderTypeScript } from '../init/render-typescript.ts'
import { renderYaml } from '../init/render-yaml.ts'
import { noCommand } from '../init/static-site.ts'
import { refuseExisting, refuseOther, writeEditorFile, writeTopology } from '../init/write.ts'
import { shownPath } from '../lib/format.ts'
import { printable } from '../lib/printable.ts'
import { findTopology } from '../topology/find.ts'
import { loadTopology } from '../topology/load.ts'
import { type Problem, problemText, TopologyError } from '../topology/problems.ts'
import { refuseConflict, refuseUnused } from './conflicts.ts'
import { action, type Output } from './output.ts'

type Options = {
  topology?: string
  world?: string
  json?: boolean
  force?: boolean
  yaml?: boolean
  editor?: boolean
  folder?: string
}

const examples = `
Examples:
  nearside init                          in the folder of your app
  nearside init --folder ../shop --force
  nearside init --yaml                   nearside.yaml, not nearside.config.ts
  nearside init -- gunicorn shop.wsgi    with an explicit start command
  nearside init --editor                 if \`nearside check\` asks for it

Unless the package nearside is installed in or above the app's folder, init also
writes nearside-env.d.ts (or nearside.schema.json), which lets editors and tsc
know the keys of the topology. Commit that file.

Exit codes: 0 written, 1 not written, 2 usage error.`

const renderers: Record<Form, typeof renderYaml> = { typescript: renderTypeScript, yaml: renderYaml }

/** The problems that `nearside check` will report for the new file on this machine. */
async function remaining(
  file: string,
): Promise<{ problems: readonly Problem[]; warnings: readonly Problem[] }> {
  try {
    return { problems: [], warnings: (await loadTopology(file)).warnings }
  } catch (error) {
    if (error instanceof TopologyError) return { problems: error.problems, warnings: [] }
    throw error
  }
}

function section(output: Output, head: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  output.print()
  output.print(output.paint('bold', head))
  for (const line of lines) output.print(`  ${printable(line)}`)
}

/** The editor file that belongs to the topology file of a folder, as this version of Nearside writes it. */
async function renewEditorFile(folder: string, output: Output): Promise<void> {
  const topology = await findTopology(folder)
  const { form, name } = editorFileOf(topology)
  const editorFile = join(folder, name)
  await refuseOther(editorFile)
  await writeEditorFile(editorFile, editorText(form))
  const { line } = editorHelp(form, folder)
  const isNamed = (await readFile(topology, 'utf8')).includes(name)
  const next = isNamed || line === undefined ? [] : [`let ${basename(topology)} begin with: ${line}`]
  output.result({ file: topology, editorFile, next })
  output.print(`Wrote ${printable(shownPath(editorFile))}`)
  section(output, 'Next', next)
}

export function initCommand(program: Command): void {
  program
    .command('init')
    .description('create a commented nearside.config.ts for the app in this folder')
    .argument('[command...]', 'command that starts one instance of the app (default: detected)')
    .option('--folder <folder>', 'folder of the app', '.')
    .option('--yaml', 'write nearside.yaml instead')
    .option('--force', 'overwrite an existing topology file of the same name')
    .option('--editor', 'write only the file that lets an editor know the topology’s keys')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        refuseUnused(
          'init',
          { '--topology': options.topology, '--world': options.world },
          'it writes a topology file into --folder',
        )
        for (const [name, value] of [
          ['[command...]', args.length > 0],
          ['--yaml', options.yaml],
          ['--force', options.force],
        ] as const)
          refuseConflict('init', { '--editor': options.editor, [name]: value })
        const folder = resolve(options.folder ?? '.')
        if (options.editor) return renewEditorFile(folder, output)
        const form = options.yaml ? 'yaml' : 'typescript'
        await refuseExisting(folder, form, options.force === true)
        const editor = editorHelp(form, folder)
        const editorFile = editor.file && join(folder, editor.file.name)
        if (editorFile !== undefined) await refuseOther(editorFile)
        const found = await detect(
          folder,
          args.filter((word) => word !== ''),
        )
        if (!found) throw await noCommand(folder)
        const text = renderers[form](found, editor.line)
        const file = await writeTopology(folder, form, text, options.force === true)
        if (editorFile !== undefined) await writeEditorFile(editorFile, editor.file!.text)
        const { problems, warnings } = await remaining(file)
        const next = [
          ...found.next,
          ...problems.map(
            (problem) => `${problemText(problem)}${problem.remedy ? ` (${problem.remedy})` : ''}`,
          ),
          'replace the example regions and domain, then run: nearside check',
          'start the world on this machine: nearside up',
        ]
        output.result({
          file,
          editorFile,
          found: found.found,
          guessed: found.guessed,
          next,
          problems,
          warnings,
        })
        const written = [file, ...(editorFile === undefined ? [] : [editorFile])]
        output.print(`Wrote ${written.map((path) => printable(shownPath(path))).join(' and ')}`)
        section(output, 'Found', found.found)
        section(output, 'Guessed, please verify', found.guessed)
        section(output, 'Next', next)
      }),
    )
}
