import { join } from 'node:path'
import { messageOf, X0tError } from '@x0t/core'
import type { BedFolder } from '../bed-folder.ts'
import { cableBytes, faultSwitch, type FaultSwitch } from './fault-switch.ts'

/** The folder of a testbed in which its maps and attachments are pinned: a file system of the kernel of its own. */
export function pinFolder(folder: Pick<BedFolder, 'path'>): string {
  return join(folder.path, 'bpf')
}

/** Where the map of the switches is pinned. */
export function switchPin(pins: string): string {
  return join(pins, 'fault_switch')
}

/** The switches of a testbed that is up, from whatever process. Disposing closes the map, not the cables. */
export async function openFaultSwitch(
  folder: Pick<BedFolder, 'path'>,
): Promise<{ readonly switch: FaultSwitch } & Disposable> {
  const pin = switchPin(pinFolder(folder))
  try {
    const { openNativeBackend } = await import('@x0t/bpf')
    const map = await openNativeBackend().openMap({ pin })
    if (map.spec.valueBytes !== cableBytes)
      throw new TypeError(`entries of ${map.spec.valueBytes} bytes; expected ${cableBytes}`)
    return { switch: faultSwitch(map.memory()), [Symbol.dispose]: () => map[Symbol.dispose]() }
  } catch (error) {
    throw new X0tError('TESTBED_CABLES_UNAVAILABLE', `no switch of cables at ${pin}: ${messageOf(error)}`, {
      cause: error,
      hint: 'x0t testbed up --cables bpf',
    })
  }
}
