import { assembleProgram, type Assembly } from './assemble.ts'
import { Attributes } from './attributes.ts'
import type { Refusal } from './contract.ts'
import { findKernelType } from './kernel-btf.ts'
import { adoptProgram, type NativeProgram } from './native-program.ts'
import type { ObjectFile, ProgramDefinition } from './object-file.ts'
import { toRefusal } from './refusal.ts'
import { attachType, errno, programTypes } from './uapi.ts'
import { annotateLog } from './verifier-log.ts'

/** What a program needs of the kernel before it is loaded. */
export interface LoadContext {
  readonly object: ObjectFile
  /** Descriptor of the object's BTF; -1 without. */
  readonly btfFd: number
  /** Descriptor of a map by its index. @throws X0tError if it could not be made */
  mapFd(index: number): number
  readonly log: 'statistics' | 'all' | undefined
}

export type LoadResult =
  | { readonly program: NativeProgram; readonly log: string | undefined }
  | { readonly refusal: Refusal }

/** Attributes of BPF_PROG_LOAD up to core_relo_rec_size. */
const attributeBytes = 144
const firstLogBytes = 64 * 1024
const maxLogBytes = 16 * 1024 * 1024
/** The end of a log says why; more than this nobody reads. */
const keptLogCharacters = 1024 * 1024

/** A signal that comes while the verifier walks a program makes it give up (EAGAIN): it may walk so often. */
const mostWalks = 20

/** `instructions` is kept of good programs too. */
const logLevel = { failure: 1, instructions: 2, statistics: 4 } as const

/**
 * Loads one program.
 * @returns it, or why the kernel does not take it
 * @throws X0tError BPF_OBJECT_INVALID, BPF_UNSUPPORTED, and those of a map that it uses
 */
export function loadProgram(definition: ProgramDefinition, context: LoadContext): LoadResult {
  const { spec, kind } = definition
  const assembly = assembleProgram(context.object, definition)
  const view = new DataView(assembly.instructions.buffer, assembly.instructions.byteOffset)
  for (const { at, map } of assembly.mapReferences) view.setInt32(at + 4, context.mapFd(map), true)
  let btfId = 0
  if (kind.btf !== undefined) {
    const target = kind.target ?? ''
    const found = findKernelType(`${kind.btf.prefix}${target}`, kind.btf.kind)
    if (found === undefined) {
      const message = `program ${spec.name} needs ${target}, which this kernel does not have`
      return {
        refusal: { program: spec.name, code: 'BPF_UNSUPPORTED', message, hint: 'x0t bpf doctor', log: '' },
      }
    }
    btfId = found
  }
  const attributes = (): Attributes => attributesOf(definition, context, assembly, btfId)
  const annotate = (log: string): string => {
    const { btf, btfExt } = context.object
    return annotateLog(log, btf, assembly.lineRecords, btfExt?.lines.recordBytes ?? 0).slice(
      -keptLogCharacters,
    )
  }
  if (context.log !== undefined) {
    const level = context.log === 'all' ? logLevel.instructions | logLevel.statistics : logLevel.statistics
    const { result, log } = callWithLog(attributes, level)
    if (result >= 0) return { program: adoptProgram(result, definition), log: annotate(log) }
  } else {
    const result = callUninterrupted(attributes)
    if (result >= 0) return { program: adoptProgram(result, definition), log: undefined }
    if (result === -errno.EPERM) return { refusal: toRefusal(spec.name, errno.EPERM, '') }
  }
  // The whole log is asked for only now: with one, the kernel works more.
  const { result, log } = callWithLog(attributes, logLevel.failure)
  // It may be accepted now, where another process made room in the meantime.
  if (result >= 0) return { program: adoptProgram(result, definition), log: undefined }
  return { refusal: toRefusal(spec.name, -result, annotate(log)) }
}

function attributesOf(
  { spec, kind }: ProgramDefinition,
  { object, btfFd }: LoadContext,
  { instructions, functionRecords, lineRecords, relocationRecords }: Assembly,
  btfId: number,
): Attributes {
  const attributes = new Attributes(attributeBytes)
    .u32(0, programTypes.indexOf(kind.type))
    .u32(4, instructions.length / 8)
    .pointer(8, instructions)
    .text(16, object.license)
    .u32(44, kind.flags)
    .name(48, spec.name)
    .u32(68, kind.attachType === undefined ? 0 : attachType[kind.attachType])
    .u32(108, btfId)
  const ext = object.btfExt
  if (ext === undefined || btfFd < 0) return attributes
  attributes.u32(72, btfFd)
  if (functionRecords.length > 0) {
    const { recordBytes } = ext.functions
    attributes.u32(76, recordBytes).pointer(80, functionRecords)
    attributes.u32(88, functionRecords.length / recordBytes)
    if (lineRecords.length > 0) {
      const lineBytes = ext.lines.recordBytes
      attributes
        .u32(92, lineBytes)
        .pointer(96, lineRecords)
        .u32(104, lineRecords.length / lineBytes)
    }
  }
  if (relocationRecords.length > 0) {
    const { recordBytes } = ext.relocations
    attributes.u32(116, relocationRecords.length / recordBytes)
    attributes.pointer(128, relocationRecords).u32(136, recordBytes)
  }
  return attributes
}

function callUninterrupted(attributes: () => Attributes): number {
  for (let walk = 1; ; walk++) {
    const result = attributes().call('PROG_LOAD')
    if (result !== -errno.EAGAIN || walk === mostWalks) return result
  }
}

/** Loads with a log; a full buffer fails a good program, so it grows until all fits. */
function callWithLog(
  attributes: () => Attributes,
  level: number,
): { readonly result: number; readonly log: string } {
  for (let bytes = firstLogBytes; ; bytes *= 4) {
    const buffer = new Uint8Array(bytes)
    const result = callUninterrupted(() => attributes().u32(24, level).u32(28, bytes).pointer(32, buffer))
    if (result === -errno.ENOSPC && bytes < maxLogBytes) continue
    const end = buffer.indexOf(0)
    const text = new TextDecoder('latin1').decode(end < 0 ? buffer : buffer.subarray(0, end))
    return { result, log: text.trimEnd() }
  }
}
