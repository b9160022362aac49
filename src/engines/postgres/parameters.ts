import type { Topology } from '../../topology/schema.ts'

/** Asks PostgreSQL itself what it thinks of one of `database.parameters`; exit 0 accepts it. Needs no database. */
type ParameterTrial = { name: string; command: string[] }

export function parameterTrials({ database }: Pick<Topology, 'database'>): ParameterTrial[] {
  // `-C` prints a setting and ends, after the server has taken in all that it was given. It wants to know its files.
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
