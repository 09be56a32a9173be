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
  joinChain,
}: {
  readonly backend: Pick<BpfBackend, 'openLink'>
  readonly program: BpfProgram
  readonly folder: string
  readonly namespace: number
  /** Joins the chain of programs that an interface has; undefined where it has none of x0t. */
  readonly joinChain: (name: string) => Promise<XdpMode | undefined>
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
      const alone = attachXdp(program, name)
      alone?.link.pin(pinOf(name, alone.mode))
      const mode = alone?.mode ?? (await joinChain(name))
      attached.set(name, {
        name,
        mode,
        link: alone?.link,
        problem: mode === undefined ? taken(name) : undefined,
      })
    } catch (error) {
      attached.set(name, { name, mode: undefined, link: undefined, problem: asX0tError(error) })
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
      for (const name of interfaces.slice(0, maxInterfaces)) {
        // What was taken may be free by now, or have a chain.
        const there = attached.get(name)
        if (there === undefined || hasCode(there.problem, 'FAST_PATH_XDP_TAKEN')) await attach(name)
      }
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

/** In the driver if that can, else behind it; undefined where the interface has a program. */
function attachXdp(
  program: BpfProgram,
  name: string,
): { readonly link: BpfLink; readonly mode: XdpMode } | undefined {
  const target = { kind: 'xdp', interface: name } as const
  try {
    return { link: program.attach({ ...target, mode: 'native' }), mode: 'native' }
  } catch (error) {
    if (hasCode(error, 'BPF_BUSY')) return undefined
    if (hasCode(error, 'BPF_NOT_PERMITTED')) throw error
    return { link: program.attach({ ...target, mode: 'generic' }), mode: 'generic' }
  }
}

function asX0tError(error: unknown): X0tError {
  if (!(error instanceof X0tError)) throw error
  return error
}

function taken(name: string): X0tError {
  return new X0tError('FAST_PATH_XDP_TAKEN', `${name} has an XDP program that shares it with no other`, {
    hint: `ip link show dev ${name} tells its id, x0t bpf show ID what it is; one of x0t shares the interface if attached with --priority`,
  })
}

async function unlinkPin(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
  })
}
