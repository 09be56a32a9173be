import type { BpfProgram } from '@x0t/bpf'
import { X0tError } from '@x0t/core'
import { repeatable } from '../repeatable.ts'
import type { Command } from 'commander'
import { readFile } from 'node:fs/promises'
import type { Kernel, KernelOptions } from './kernel.ts'
import { isPath, readObjectSource } from './object-source.ts'
import { globalsOf } from './options.ts'

/** Options of commands that run a program on packets. */
export interface RunOptions extends KernelOptions {
  readonly program?: string
  readonly set?: readonly string[]
  readonly hex?: readonly string[]
  readonly pcap?: string
}

export function withRun(command: Command): Command {
  return command
    .argument(
      '<program>',
      'OBJECT/PROGRAM or OBJECT that is loaded; else a shipped program or an object file',
    )
    .option('--program <name>', 'which program of an object that is not loaded')
    .option('--set <name=value>', 'a global of an object that is not loaded; repeatable', repeatable)
    .option('--hex <bytes>', 'the packet in hexadecimal, from its Ethernet header on; repeatable', repeatable)
    .option('--pcap <file>', 'the packets of this capture')
}

/** A program to run, and how the kernel calls its type. */
export interface ProgramToRun extends Disposable {
  readonly program: BpfProgram
  readonly name: string
  readonly type: string
}

/**
 * The program that a command names: the loaded one, with what its maps hold, or one of an object that is loaded only
 * for this.
 */
export async function openProgramToRun(
  { backend, root }: Kernel,
  reference: string,
  options: RunOptions,
): Promise<ProgramToRun> {
  const { findPinnedProgram, readPins } = await import('@x0t/bpf')
  using stack = new DisposableStack()
  const isLoaded = (await readPins(root)).some(
    ({ name, state }) => state === 'loaded' && name === reference.split('/')[0],
  )
  let program: BpfProgram
  let name: string
  if (isLoaded && !reference.endsWith('.o')) {
    const found = await findPinnedProgram(
      root,
      options.program === undefined ? reference : `${reference}/${options.program}`,
    )
    program = stack.use(await backend.openProgram({ pin: found.program.path }))
    name = `${found.object.name}/${found.program.name}`
  } else {
    const slash = reference.indexOf('/')
    const short = slash > 0 && !reference.endsWith('.o') && isPath(reference)
    const source = await readObjectSource(short ? reference.slice(0, slash) : reference)
    const wanted = options.program ?? (short ? reference.slice(slash + 1) : undefined)
    const globals = globalsOf(options.set)
    const loaded = stack.use(
      await backend.load(source.bytes, {
        ...(wanted === undefined ? {} : { programs: [wanted] }),
        ...(globals === undefined ? {} : { globals }),
      }),
    )
    const [only, ...others] = loaded.programs
    if (only === undefined || others.length > 0) {
      const [refusal] = loaded.refusals
      throw new X0tError(
        'BPF_PROGRAM_NOT_FOUND',
        refusal === undefined
          ? `${source.name} has ${loaded.programs.size} such programs; say which one`
          : refusal.message,
        { hint: refusal?.hint ?? `--program NAME: ${[...loaded.programs.keys()].join(', ')}`, exitCode: 2 },
      )
    }
    ;[name, program] = [`${source.name}/${only[0]}`, only[1]]
  }
  const { id } = program
  const type = (await backend.listPrograms()).find((info) => info.id === id)?.type ?? program.spec.section
  const owned = stack.move()
  return { program, name, type, [Symbol.dispose]: () => owned.dispose() }
}

/** The packets that the options give. @throws X0tError BPF_PACKET_INVALID, USAGE */
export async function packetsOf({ hex = [], pcap }: RunOptions): Promise<readonly Uint8Array[]> {
  const { packetOfHex, packetsOfPcap } = await import('@x0t/bpf')
  const packets = hex.map(packetOfHex)
  if (pcap !== undefined) packets.push(...packetsOfPcap(await readFile(pcap)))
  if (packets.length === 0) throw new X0tError('USAGE', 'no packet: give --hex or --pcap', { exitCode: 2 })
  return packets
}
