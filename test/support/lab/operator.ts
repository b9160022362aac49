import assert from 'node:assert/strict'
import { join } from 'node:path'
import { nearside, type Ran } from '../../cli/program.ts'
import type { LabWorld } from './world.ts'

/** The command line as operators use it: in the topology's folder and outside the lab. */
export class Operator {
  readonly #lab: () => LabWorld

  constructor(lab: () => LabWorld) {
    this.#lab = lab
  }

  get folder(): string {
    return join(this.#lab().world.folder, '../..')
  }

  run(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
    // The test runner, our parent, is in the machine's own network namespace.
    return nearside(this.folder, [...args], env, ['nsenter', `--net=/proc/${process.ppid}/ns/net`])
  }

  /** Runs a command that must succeed, and returns its output. */
  async done(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args)
    assert.equal(code, 0, `nearside ${args.join(' ')}: exit ${code}\n${stderr}\n${stdout}`)
    return stdout
  }
}
