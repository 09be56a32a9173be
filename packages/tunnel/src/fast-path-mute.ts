import type { XdpFeatures } from '@x0t/bpf'
import { hasCode, X0tError } from '@x0t/core'
import type { FastPathInterface } from './fast-path-attachments.ts'
import { word, type TableMap } from './fast-path-maps.ts'

/** Keeps the kernel from sending where frames of XDP get lost without a word. */
export interface MuteInterfaces {
  /**
   * Looks at the interfaces again and tells the kernel; what is gone or sends by now is let go.
   * @returns them, with the problem of those that send nothing
   */
  update(interfaces: readonly FastPathInterface[]): readonly FastPathInterface[]
}

/**
 * Programs in a driver hand over frames, which a veth drops while its other end has neither XDP nor GRO, as some drivers
 * always do. Where every program runs behind the driver (`generic`), packets leave like any others.
 * @param table fastpath_mute
 * @param featuresOf undefined where the kernel does not tell
 */
export function createMuteInterfaces({
  table,
  featuresOf,
  indexOf,
}: {
  readonly table: Pick<TableMap, 'set' | 'delete'>
  readonly featuresOf: (name: string) => XdpFeatures | undefined
  readonly indexOf: (name: string) => number
}): MuteInterfaces {
  const mute = new Set<number>()
  const isMute = (name: string): boolean => {
    try {
      return featuresOf(name)?.transmits === false
    } catch (error) {
      // It may have gone since it was listed.
      if (!hasCode(error, 'BPF_INTERFACE_NOT_FOUND')) throw error
      return false
    }
  }
  return {
    update(interfaces) {
      const isAnyNative = interfaces.some(({ mode }) => mode === 'native')
      const found = new Set<number>()
      const seen = interfaces.map((one) => {
        if (!isAnyNative || !isMute(one.name)) return one
        found.add(indexOf(one.name))
        return { ...one, problem: one.problem ?? sendsNothing(one.name) }
      })
      for (const index of found.difference(mute)) table.set(word(index), Uint8Array.of(1))
      for (const index of mute.difference(found)) table.delete(word(index))
      mute.clear()
      for (const index of found) mute.add(index)
      return seen
    },
  }
}

function sendsNothing(name: string): X0tError {
  return new X0tError(
    'FAST_PATH_MUTE',
    `${name} sends no frames for XDP: what leaves there is forwarded in userspace`,
    {
      hint: 'a veth does once its other end has GRO: ethtool -K OTHER-END gro on',
    },
  )
}
