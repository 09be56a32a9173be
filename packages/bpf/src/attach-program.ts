import { hasCode, X0tError } from '@x0t/core'
import { attachPinned, findPinnedProgram, type PinnedLink, type PinnedProgram } from './attach-pinned.ts'
import { describeTarget, targetFor, type TargetRequest } from './attach-target.ts'
import { attachChained, type Chain } from './chain.ts'
import { chainObject } from './chain-maps.ts'
import type { AttachTarget, BpfBackend, ProgramInfo } from './contract.ts'
import { xdpOnInterface, type Run } from './foreign-xdp.ts'
import type { ChainFile } from './load-and-pin.ts'
import { nameOfVerdict, verdictOfName } from './verdict.ts'

/** What a command line or a manifest says of an attachment: programs by `OBJECT/PROGRAM` or by id. */
export interface AttachRequest extends Omit<TargetRequest, 'before' | 'after'> {
  readonly before?: string | undefined
  readonly after?: string | undefined
  /** XDP: in the chain of the interface, by this priority. */
  readonly priority?: number | undefined
  /** XDP in a chain: verdicts after which the next program runs; `pass` by default. */
  readonly proceedOn?: readonly string[] | undefined
}

export interface AttachSurroundings {
  readonly root: string
  readonly chainFile: ChainFile
  readonly run: Run
  readonly wait: (delayMs: number) => Promise<void>
}

export type AttachResult =
  | ({ readonly kind: 'link'; readonly target: string } & PinnedLink)
  | {
      readonly kind: 'chain'
      readonly object: string
      readonly program: string
      readonly target: string
      readonly chain: Chain
    }

/** Priority of a program that asks only for verdicts to proceed on. */
export const defaultPriority = 500

/**
 * Attaches a program that is loaded: by a link of its own, or in the chain of XDP programs of the interface.
 * @throws X0tError BPF_TARGET_INVALID, BPF_BUSY, BPF_ALREADY_ATTACHED, BPF_NOT_CHAINABLE, and what the back end throws
 */
export async function attachProgram(
  backend: BpfBackend,
  program: PinnedProgram,
  request: AttachRequest,
  surroundings: AttachSurroundings,
): Promise<AttachResult> {
  const { root, chainFile, wait } = surroundings
  const { priority, proceedOn, before, after, ...place } = request
  const info = await infoOf(backend, program)
  const target = targetFor(
    { name: program.program.name, type: info.type },
    { ...place, ...(await orderOf(backend, root, { before, after })) },
  )
  const described = describeTarget(target)
  try {
    if (priority === undefined && proceedOn === undefined)
      return { kind: 'link', target: described, ...(await attachPinned(backend, program, target)) }
    if (target.kind !== 'xdp')
      throw new X0tError(
        'BPF_TARGET_INVALID',
        `${program.program.name} is no XDP program: only those have a priority`,
        {
          hint: 'programs of tcx are ordered by --before and --after',
          exitCode: 2,
        },
      )
    const chain = await attachChained(backend, {
      root,
      program,
      target,
      priority: priority ?? defaultPriority,
      proceedOn: (proceedOn ?? ['pass']).map((name) => verdictOfName('xdp', name)),
      chainFile,
      wait,
    })
    return {
      kind: 'chain',
      object: program.object.name,
      program: program.program.name,
      target: described,
      chain,
    }
  } catch (error) {
    if (target.kind === 'xdp' && hasCode(error, 'BPF_BUSY'))
      throw await busy(backend, target, surroundings, error)
    throw error
  }
}

/** What the kernel says of a pinned program. */
export async function infoOf(backend: BpfBackend, { program, object }: PinnedProgram): Promise<ProgramInfo> {
  using handle = await backend.openProgram({ pin: program.path })
  const info = (await backend.listPrograms()).find(({ id }) => id === handle.id)
  if (info === undefined)
    throw new X0tError('BPF_PROGRAM_NOT_FOUND', `${object.name}/${program.name} went away`, {
      hint: 'x0t bpf list shows what is loaded',
    })
  return info
}

async function orderOf(
  backend: BpfBackend,
  root: string,
  names: { readonly before?: string | undefined; readonly after?: string | undefined },
): Promise<{ readonly before?: number; readonly after?: number }> {
  const idOf = async (reference: string): Promise<number> => {
    if (/^\d+$/.test(reference)) return Number(reference)
    using program = await backend.openProgram({
      pin: (await findPinnedProgram(root, reference)).program.path,
    })
    return program.id
  }
  return {
    ...(names.before === undefined ? {} : { before: await idOf(names.before) }),
    ...(names.after === undefined ? {} : { after: await idOf(names.after) }),
  }
}

/** The refusal with the program that is in the way, and how to see it or how to share the interface with it. */
async function busy(
  backend: BpfBackend,
  target: Extract<AttachTarget, { kind: 'xdp' }>,
  { root, run }: AttachSurroundings,
  cause: unknown,
): Promise<X0tError> {
  const there = await xdpOnInterface(target.interface, run)
  if (there === undefined)
    return new X0tError('BPF_BUSY', `an XDP program is on ${target.interface} already`, {
      cause,
      hint: `ip -details link show dev ${target.interface}`,
    })
  const info = (await backend.listPrograms()).find(({ id }) => id === there.programId)
  const name = info?.name ?? there.name ?? 'without name'
  const own = name === 'x0t_chain' || info?.pins.some((pin) => pin.startsWith(`${root}/`)) === true
  return new X0tError(
    'BPF_BUSY',
    `program ${there.programId} (${name}, ${there.mode}) is on ${target.interface} already, and an interface has one`,
    {
      cause,
      hint: own
        ? `attach it with --priority, so that both share the interface (object ${chainObject})`
        : `x0t bpf show ${there.programId}; it is not of x0t: ip link set dev ${target.interface} xdp off takes it off`,
    },
  )
}

/** Names for a list of verdicts. */
export function proceedNames(verdicts: readonly number[]): readonly string[] {
  return verdicts.map((verdict) => nameOfVerdict('xdp', verdict))
}
