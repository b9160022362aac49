import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { cacheDir } from '../../setup/paths.mjs'

/**
 * The command line, `nearside COMMAND`. Enables the compile cache before loading anything else, because a short command
 * spends most of its time loading code.
 */
enableCompileCache(join(cacheDir(process.env), 'compile'))
const { run } = await import('./program.ts')
await run(process.argv.slice(2))
