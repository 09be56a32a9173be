import { unlink } from 'node:fs/promises'
import { linkName, pinPath, type BpfBackend, type BpfLink, type BpfProgram } from '@x0t/bpf'
import { hasCode, X0tError } from '@x0t/core'

/** An interface that the program is to watch, and what came of it. */
export interface FastPathInterface {
  readonly name: string
  /** `native` runs in the driver, `generic` behind it; undefined where it could not be attached. */
  readonly mode: 'native' | 'generic' | undefined
  readonly problem: X0tError | undefined
}

/** Keeps the program attached to the interfaces that are there. */
export interface Attachments extends Disposable {
  /** Attaches what is new, and forgets what is gone. */
  follow(interfaces: readonly string[]): Promise<void>
  list(): readonly FastPathInterface[]
}

/** More would mean that something makes interfaces by the dozen. */
export const maxInterfaces = 16

/** @param folder of the pins; attachments of an earlier process found there go on, with the new program */
export function createAttachments({
  backend,
  program,
  folder,
  namespace,
}: {
  readonly backend: Pick<BpfBackend, 'openLink'>
  readonly program: BpfProgram
  readonly folder: string
  readonly namespace: number
}): Attachments {
  const attached = new Map<string, FastPathInterface & { readonly link: BpfLink | undefined }>()
  const pinOf = (name: string, mode: XdpMode): string => {
    const pin = linkName(program.spec.name, { kind: 'xdp', interface: name }, namespace)
    return pinPath(folder, 'links', mode === 'native' ? pin : `${pin}~generic`)
  }
  const attach = async (name: string): Promise<void> => {
    try {
      for (const mode of modes) {
        const link = await takeOver(backend, program, pinOf(name, mode))
        if (link === undefined) continue
        attached.set(name, { name, mode, link, problem: undefined })
        return
      }
      const { link, mode } = attachXdp(program, name)
      link.pin(pinOf(name, mode))
      attached.set(name, { name, mode, link, problem: undefined })
    } catch (error) {
      attached.set(name, { name, mode: undefined, link: undefined, problem: problemOf(name, error) })
    }
  }
  return {
    async follow(interfaces) {
      for (const [name, { link }] of attached) {
        if (interfaces.includes(name)) continue
        attached.delete(name)
        link?.[Symbol.dispose]()
        for (const mode of modes) await unlinkPin(pinOf(name, mode))
      }
      for (const name of interfaces.slice(0, maxInterfaces)) if (!attached.has(name)) await attach(name)
    },
    list: () => [...attached.values()].map(({ name, mode, problem }) => ({ name, mode, problem })),
    [Symbol.dispose]() {
      for (const { link } of attached.values()) link?.[Symbol.dispose]()
      attached.clear()
    },
  }
}

type XdpMode = 'native' | 'generic'
const modes = ['native', 'generic'] as const

/** Gives a pinned attachment the new program, in one step; undefined, and without its pin, where there is none. */
export async function takeOver(
  backend: Pick<BpfBackend, 'openLink'>,
  program: BpfProgram,
  path: string,
): Promise<BpfLink | undefined> {
  try {
    const link = await backend.openLink({ pin: path })
    try {
      link.update(program)
      return link
    } catch (error) {
      // As where its interface is gone, and another one has the name.
      link[Symbol.dispose]()
      throw error
    }
  } catch (error) {
    if (!(error instanceof X0tError)) throw error
  }
  await unlinkPin(path)
  return undefined
}

/** In the driver if that can, else behind it. */
function attachXdp(program: BpfProgram, name: string): { readonly link: BpfLink; readonly mode: XdpMode } {
  const target = { kind: 'xdp', interface: name } as const
  try {
    return { link: program.attach({ ...target, mode: 'native' }), mode: 'native' }
  } catch (error) {
    if (hasCode(error, 'BPF_BUSY') || hasCode(error, 'BPF_NOT_PERMITTED')) throw error
    return { link: program.attach({ ...target, mode: 'generic' }), mode: 'generic' }
  }
}

function problemOf(name: string, error: unknown): X0tError {
  if (!(error instanceof X0tError)) throw error
  if (!hasCode(error, 'BPF_BUSY')) return error
  return new X0tError('FAST_PATH_XDP_TAKEN', `${name} has an XDP program of somebody else`, {
    cause: error,
    hint: `ip link show dev ${name} tells its id, bpftool prog show id ID what it is`,
  })
}

async function unlinkPin(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
  })
}
