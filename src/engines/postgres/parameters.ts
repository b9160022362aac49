import type { Topology } from '../../topology/schema.ts'

/** Has PostgreSQL itself check one of `database.parameters`; exit code 0 accepts it. Needs no database. */
type ParameterTrial = { name: string; command: string[] }

export function parameterTrials({ database }: Pick<Topology, 'database'>): ParameterTrial[] {
  // `-C` prints a setting and exits after the server has parsed all given settings. It requires the names of its files.
  const files = ['config_file', 'hba_file', 'ident_file'].map((name) => `${name}=/dev/null`)
  return Object.entries(database.parameters).map(([name, value]) => ({
    name,
    command: [
      '/usr/lib/postgresql/17/bin/postgres',
      ...['-C', 'max_connections'],
      ...[...files, 'data_directory=/tmp', `${name}=${value}`].flatMap((setting) => ['-c', setting]),
    ],
  }))
}
