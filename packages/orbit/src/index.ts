/**
 * The records of a DAO in OrbitDB's logs, carried from neighbour to neighbour over the control plane. It carries and
 * decides nothing: entries are checked before they are kept or handed on, and readers check records again.
 *
 * @example
 * import { openOrbitStore } from '@x0t/orbit'
 * await using store = await openOrbitStore({ dao, path: 'orbit.sqlite', network, check, writer })
 * store.onRecord((record) => console.log(record.id))
 * await store.put(record)
 */
export { errorCodes } from './errors.ts'
export { defaultLimits, type OrbitLimits } from './limits.ts'
export { openOrbitStore, type OrbitStore, type OrbitStoreOptions } from './orbit-store.ts'
export type { OrbitEvent, OrbitNetwork, OrbitStatus, RecordCheck, Verdict, Writer } from './ports.ts'
export { entriesProtocol, headsProtocol } from './wire.ts'
