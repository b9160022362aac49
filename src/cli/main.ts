import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { cacheDir } from '../../setup/paths.mjs'

/**
 * The command line: `nearside COMMAND`. Compiled code is cached before anything else is loaded, because most of a
 * short command's time is the loading of its code.
 */
enableCompileCache(join(cacheDir(process.env), 'compile'))
const { run } = await import('./program.ts')
await run(process.argv.slice(2))
