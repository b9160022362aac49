import { readFileSync } from 'node:fs'
import { launcher } from '../../../src/agent/supervision/launch.ts'
import { Supervisor } from '../../../src/agent/supervision/supervisor.ts'
import { locateEngineRoot } from '../../../src/engines/root/locate.ts'
import type { RegionPlan } from '../../../src/plan.ts'

/** Runs a supervisor in a separate process that a test can kill: `node supervisor-program.ts FOLDER < plan.json`. */
const plan = JSON.parse(readFileSync(0, 'utf8')) as RegionPlan
const folder = process.argv[2]!
new Supervisor({
  plan,
  launcher: launcher({ root: locateEngineRoot().path, folder, files: plan.files }),
  onChange: ({ name, state }) => process.stdout.write(`${name} ${state}\n`),
}).start()
