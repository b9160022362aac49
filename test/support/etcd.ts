import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { EtcdOptions } from '../../src/lib/etcd/endpoints.ts'
import { Etcd } from '../../src/lib/etcd.ts'
import { runSandboxed, type Sandboxed } from './engine-program.ts'
import { temporaryFolder, until } from './sandboxed.ts'
import { takeNetwork } from './world/network.ts'

/** A separate etcd cluster for a test, with one address per member. */
export type TestEtcd = {
  /** Member i is at <base>.<i + 1>.1, like the voting regions of a world. */
  base: string
  /** `http://host:port` by member. */
  endpoints: string[]
  /** A client of one member, or of all members in the given order. */
  client(options?: Partial<EtcdOptions>): Etcd
  kill(member: number): Promise<void>
  /** Starts a killed member again and waits until it answers. */
  restart(member: number): Promise<void>
  /** Suspends the member: it keeps its connections open but does not answer. */
  pause(member: number): void
  resume(member: number): void
  stop(): Promise<void>
}

export const testPassword = 'only-for-tests'

/** `flags`: additional etcd flags for every member. */
export async function startEtcd(size: number, flags: readonly string[] = []): Promise<TestEtcd> {
  const folder = temporaryFolder('etcd')
  const { base, giveBack } = await takeNetwork()
  const all = Array.from({ length: size }, (_, index) => index)
  const host = (member: number) => `${base}.${member + 1}.1`
  const endpoints = all.map((member) => `http://${host(member)}:2379`)
  const cluster = all.map((member) => `m${member}=http://${host(member)}:2380`).join(',')
  const members: Sandboxed[] = []

  const client = (options: Partial<EtcdOptions> = {}) =>
    new Etcd({ endpoints, username: 'root', password: testPassword, ...options })
  const launch = async (member: number) => {
    members[member] = await runSandboxed(
      folder,
      [
        '/usr/bin/etcd',
        ...['--name', `m${member}`, '--data-dir', join(folder, `m${member}`), '--log-level', 'warn'],
        ...['--listen-client-urls', endpoints[member]!, '--advertise-client-urls', endpoints[member]!],
        ...['--listen-peer-urls', `http://${host(member)}:2380`],
        ...['--initial-advertise-peer-urls', `http://${host(member)}:2380`],
        ...['--initial-cluster', cluster, '--initial-cluster-state', 'new', '--unsafe-no-fsync'],
        // As in a world: the expensive default would keep two cores busy with password hashing.
        ...['--bcrypt-cost', '4'],
        ...flags,
      ],
      { logFile: join(folder, `m${member}.log`) },
    )
  }
  const answers = (member: number) =>
    until(`etcd member ${member} to answer`, async () => {
      if (members[member]!.hasExited()) throw new Error(members[member]!.output())
      const { leader } = await client({ endpoints: [endpoints[member]!] }).status()
      return leader !== '0'
    })

  await Promise.all(all.map(launch))
  await Promise.all(all.map(answers))
  return {
    base,
    endpoints,
    client,
    kill: (member) => members[member]!.kill(),
    async restart(member) {
      await launch(member)
      await answers(member)
    },
    pause: (member) => void process.kill(members[member]!.pid, 'SIGSTOP'),
    resume: (member) => void process.kill(members[member]!.pid, 'SIGCONT'),
    async stop() {
      await Promise.all(members.map((member) => member.kill()))
      rmSync(folder, { recursive: true, force: true })
      giveBack()
    },
  }
}
