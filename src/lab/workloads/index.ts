export { ledgerWorkload } from './ledger/ledger.ts'
export { ordersWorkload } from './orders/orders.ts'
export type { Workload, WorkloadOptions } from './types.ts'
