import assert from 'node:assert/strict'
import { join } from 'node:path'
import { nearside, type Ran } from '../../cli/program.ts'
import type { LabWorld } from './world.ts'

/** The command line as an operator meets it, who types it beside the topology and outside of the lab. */
export class Operator {
  readonly #lab: () => LabWorld

  constructor(lab: () => LabWorld) {
    this.#lab = lab
  }

  get folder(): string {
    return join(this.#lab().world.folder, '../..')
  }

  run(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
    // The test runner, our parent, is on the machine's own network.
    return nearside(this.folder, [...args], env, ['nsenter', `--net=/proc/${process.ppid}/ns/net`])
  }

  /** Runs a command that must succeed, and returns its output. */
  async done(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args)
    assert.equal(code, 0, `nearside ${args.join(' ')}: exit ${code}\n${stderr}\n${stdout}`)
    return stdout
  }
}
