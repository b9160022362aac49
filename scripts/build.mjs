import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Builds dist/, which a published package contains instead of src/: `npm run build`, and before every `npm pack`. A
 * clone never runs it. Plain JavaScript, because npm runs it with the machine's own Node.
 */
const home = fileURLToPath(new URL('..', import.meta.url))
const [source, target] = [join(home, 'src'), join(home, 'dist')]
const compiler = join(home, 'node_modules', 'typescript', 'bin', 'tsc')

if (!existsSync(compiler)) {
  console.error('The build needs packages that are not installed: run `npm ci`')
  process.exit(1)
}
rmSync(target, { recursive: true, force: true })
// Code, then the type declarations for topology files. Other modules are not public.
for (const config of ['tsconfig.build.json', 'tsconfig.types.json']) {
  const { status } = spawnSync(process.execPath, [compiler, '-p', join(home, config)], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
// Copied unchanged: the C sources of the lab's shaper, and the modules loaded into apps.
cpSync(source, target, {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || !path.endsWith('.ts'),
})
