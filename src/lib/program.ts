import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The path of one of our modules that is run or resolved by path: `modulePath('./keeper', import.meta.url)`.
 *
 * A clone runs `keeper.ts`, an installed package runs the `keeper.js` built from it. The calling module has the same
 * extension. `tsc` rewrites only the paths of imports, so no other path may contain `.ts`.
 */
export function modulePath(path: `./${string}` | `../${string}`, from: string): string {
  return fileURLToPath(new URL(path + extname(new URL(from).pathname), from))
}

/** Programs that are recognized by their command line, as paths below `src/` without extension. */
type ProgramName = 'agent/main' | 'cli/main' | 'cli/drill/soak'

/** Whether a word of a command line is this program's path in any clone or installed package. */
export function isProgramPath(word: string, name: ProgramName): boolean {
  return [`src/${name}.ts`, `dist/${name}.js`].some((path) => word === path || word.endsWith(`/${path}`))
}
