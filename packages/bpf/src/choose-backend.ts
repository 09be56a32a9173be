import { hasCode, messageOf, X0tError } from '@x0t/core'
import { openBpftoolBackend, type BpftoolBackendOptions } from './bpftool.ts'
import type { BpfBackend } from './contract.ts'
import { openNativeBackend } from './native.ts'
import { defaultPinRoot } from './pin-layout.ts'

/** A back end, and why it is that one. */
export interface ChosenBackend {
  readonly backend: BpfBackend
  /** For people: `bpf(2) through node:ffi`, or why not. */
  readonly reason: string
}

export interface BackendChoice {
  readonly openNative?: () => BpfBackend
  readonly openBpftool?: (options: BpftoolBackendOptions) => Promise<BpfBackend>
  /** Root of pins, for the back end that needs one; the default one where absent. */
  readonly pinFolder?: string
}

/**
 * The native back end where it works, bpftool otherwise. Whether the kernel lets this process use BPF is not asked:
 * both would be refused alike.
 * @throws X0tError BPF_UNSUPPORTED if there is neither
 */
export async function chooseBackend({
  openNative = openNativeBackend,
  openBpftool = openBpftoolBackend,
  pinFolder = defaultPinRoot,
}: BackendChoice = {}): Promise<ChosenBackend> {
  let why: string
  try {
    return { backend: openNative(), reason: 'bpf(2) through node:ffi' }
  } catch (error) {
    if (!hasCode(error, 'BPF_UNSUPPORTED')) throw error
    why = messageOf(error)
  }
  try {
    return { backend: await openBpftool({ pinFolder }), reason: `bpftool, because ${why}` }
  } catch (error) {
    if (!hasCode(error, 'BPF_BPFTOOL_MISSING')) throw error
    throw new X0tError('BPF_UNSUPPORTED', `no way to BPF: ${why}, and bpftool is not installed`, {
      cause: error,
      hint: 'use Node.js 26.7 or later with node:ffi, or: apt install bpftool',
    })
  }
}
