import { openNativeBackend, type LoadedObject } from '@x0t/bpf'
import { readFastpath } from './fastpath.ts'
import { openRelay, type Relay } from './relay.ts'

/** The fast path in the kernel, with maps of its own. */
export async function loadFastpath(): Promise<LoadedObject> {
  const object = await openNativeBackend().load(await readFastpath())
  const [refusal] = object.refusals
  if (refusal !== undefined) throw new Error(`${refusal.message}\n${refusal.log}`)
  return object
}

/** @param ipv6 indexes of the neighbours whose links are IPv6 */
export const openTestRelay = async (neighbours: number, ipv6?: readonly number[]): Promise<Relay> =>
  openRelay(await loadFastpath(), neighbours, ipv6)
