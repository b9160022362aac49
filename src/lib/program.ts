import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The path of a module of ours that is run or resolved by its path: `modulePath('./keeper', import.meta.url)`.
 *
 * A clone runs `keeper.ts` as it is, an installed package the `keeper.js` that was built from it. Whoever asks has the
 * same extension. `tsc` rewrites the paths of imports only, so no other path may name `.ts`.
 */
export function modulePath(path: `./${string}` | `../${string}`, from: string): string {
  return fileURLToPath(new URL(path + extname(new URL(from).pathname), from))
}

/** Programs that are recognized by their command line, as paths below `src/` without an extension. */
type ProgramName = 'agent/main' | 'cli/main' | 'cli/drill/soak'

/** Whether a word of a command line is this program's path, in whatever clone or installed package of Nearside. */
export function isProgramPath(word: string, name: ProgramName): boolean {
  return [`src/${name}.ts`, `dist/${name}.js`].some((path) => word === path || word.endsWith(`/${path}`))
}
