import { join } from 'node:path'
import { cacheDir } from '../../setup/paths.mjs'
import { builtTable } from '../steering/build.ts'
import type { FamilySummary, SteeringTable } from '../steering/table.ts'
import type { LoadedTopology } from '../topology/load.ts'

/** What the world's steering table costs its users, for people and for `--json`. */
export type SteeringSummary = { prefixes: number; ipv4: FamilySummary; ipv6: FamilySummary }

/** Undefined until an agent on this machine has computed the table, and without a database. */
export async function steeringSummary({
  topology,
  folder,
}: LoadedTopology): Promise<SteeringSummary | undefined> {
  if (topology.steering.geoip.length === 0) return undefined
  const cacheFolder = join(cacheDir(process.env), 'steering')
  return summaryOf(await builtTable({ topology, folder, cacheFolder }).catch(() => undefined))
}

export function summaryOf(table: SteeringTable | undefined): SteeringSummary | undefined {
  if (!table?.summary) return undefined
  const [ipv4, ipv6] = table.summary
  return { prefixes: table.covers.reduce((sum, cover) => sum + cover.lengths.length, 0), ipv4, ipv6 }
}

export function summaryLines({ prefixes, ipv4, ipv6 }: SteeringSummary): string[] {
  return [
    `DNS   ${prefixes.toLocaleString('en-US')} prefixes`,
    ...Object.entries({ IPv4: ipv4, IPv6: ipv6 })
      .filter(([, family]) => family.networks > 0)
      .map(
        ([name, { misled, countryOnly }]) =>
          `      ${name}: the bound sends ${percent(misled.networks)} of networks (${percent(misled.addresses)} of addresses) to a farther region; ` +
          `${percent(countryOnly.networks)} (${percent(countryOnly.addresses)}) have only a country in the database`,
      ),
  ]
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`
