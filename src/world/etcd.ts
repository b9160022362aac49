import { Etcd } from '../lib/etcd.ts'
import type { WorldHandle } from './handle.ts'

/** A client of the world's etcd, for commands. Agents have their own. */
export function etcdOf(world: WorldHandle): Etcd {
  const { ports } = world.record.topology
  const endpoints = world.regions
    .filter((region) => region.votes)
    .map((region) => `http://${region.address}:${ports.etcdClient}`)
  return new Etcd({ endpoints, username: 'root', password: world.secrets.etcd })
}
