/** eBPF programs of x0t: what a back end offers. */
export type {
  AttachTarget,
  BpfBackend,
  BpfLink,
  BpfMap,
  BpfProgram,
  LinkInfo,
  LoadedObject,
  LoadOptions,
  MapInfo,
  MapSpec,
  MapTypes,
  ObjectRef,
  ProgramInfo,
  ProgramSpec,
  Refusal,
  TestRun,
} from './contract.ts'
export type { BtfMember, BtfType, BtfTypes } from './btf-type.ts'
export { errorCodes, type BpfErrorCode } from './errors.ts'
export { programPath, readProgram, shippedPrograms, type ShippedProgram } from './shipped-programs.ts'
