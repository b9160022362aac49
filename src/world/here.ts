import { networkInterfaces } from 'node:os'
import type { Region } from '../topology/regions.ts'
import type { WorldHandle } from './handle.ts'

/** Whether a process on this machine can listen on this address. */
export function isLocal(address: string): boolean {
  if (address.startsWith('127.')) return true
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address))
}

/** Whether the region runs on this machine, by its address or in one of this machine's labs. */
export const isHere = ({ record }: Pick<WorldHandle, 'record'>, region: Region): boolean =>
  record.lab !== undefined || isLocal(region.address)

export const localRegions = (world: Pick<WorldHandle, 'regions' | 'record'>) =>
  world.regions.filter((region) => isHere(world, region))
