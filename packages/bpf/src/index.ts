/**
 * eBPF: loads objects of clang through bpf(2), attaches, reads and replaces their programs, and says why something does
 * not work. What is in the kernel, ids and pins, is the only state.
 *
 * @example
 * import { openNativeBackend, readProgram } from '@x0t/bpf'
 * const backend = openNativeBackend() // root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON
 * using flow = await backend.load(await readProgram('flow'))
 * flow.refusals // [], or why the kernel did not take a program
 */
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
export {
  defaultPinRoot,
  nameOfPin,
  objectFolder,
  pinKinds,
  pinName,
  type ObjectState,
  type PinKind,
} from './pin-layout.ts'
export {
  beginObject,
  commitObject,
  findPinned,
  isBpffs,
  pinPath,
  readPins,
  removeObject,
  requireBpffs,
  type Pin,
  type PinnedObject,
} from './pin-tree.ts'
export { loadPinned, type LoadPinnedRequest, type LoadPinnedResult, type StepHook } from './load-pinned.ts'
export { loadAndPin, type ChainFile, type LoadAndPinRequest } from './load-and-pin.ts'
export {
  describeTarget,
  hookOf,
  linkName,
  placeOfLink,
  targetFor,
  type Hook,
  type TargetRequest,
} from './attach-target.ts'
export {
  findPinnedMap,
  findPinnedProgram,
  foreignNamespace,
  type PinnedLink,
  type PinnedProgram,
} from './attach-pinned.ts'
export {
  attachProgram,
  defaultPriority,
  infoOf,
  type AttachRequest,
  type AttachResult,
  type AttachSurroundings,
} from './attach-program.ts'
export {
  alonePriority,
  attachChained,
  isChainable,
  readChains,
  replaceInChains,
  withSharedMaps,
  type Chain,
} from './chain.ts'
export type { ChainEntry } from './chain-order.ts'
export { xdpOnInterface, type InterfaceXdp, type Run } from './foreign-xdp.ts'
export { replaceLink, type HealthCheck, type ReplaceRequest, type ReplaceResult } from './replace-link.ts'
export { detachProgram, forgetObject, unloadObject, type DetachedFrom } from './unload-object.ts'
export type { Remainder, UnloadResult } from './unload-pinned.ts'
export { findHolders, type Holder } from './holders.ts'
export { readInventory, type ChainPlace, type Entry, type ObjectInventory } from './inventory.ts'
export {
  objectNameOfFile,
  parseManifest,
  type Manifest,
  type ManifestAttachment,
  type ManifestObject,
} from './manifest.ts'
export { applyManifest, type ApplyRequest, type Change } from './apply-manifest.ts'
export {
  chooseRows,
  fieldOf,
  parseFilter,
  readRows,
  rowHintsOf,
  rowToJson,
  type MapRow,
  type RowChoice,
  type RowFilter,
  type RowHints,
} from './map-rows.ts'
export { enterNetworkNamespace } from './network-namespace.ts'
export { eventDecoder, type EventDecoder } from './event-decoder.ts'
export { readVerifierReport, type VerifierReport } from './verifier-report.ts'
export { measureRuns, statisticsBetween, type RunStatistics } from './run-statistics.ts'
export { timePacket, type PacketTiming } from './packet-bench.ts'
export { packetOfHex, packetsOfPcap } from './packet-input.ts'
export { nameOfVerdict, verdictNames, verdictOfName } from './verdict.ts'
export { toJson, type BpfValue, type JsonValue } from './bpf-value.ts'
export { createCodec, perCpuCodec, type Codec, type CodecOptions } from './codec.ts'
export { declaredMapTypes, encodeGlobals, globalsOf, globalsOfSection, type Global } from './globals.ts'
export {
  objectSignatureContext,
  signObject,
  verifyObject,
  type ObjectSigner,
  type ObjectVerifier,
  type SignedContent,
} from './object-signature.ts'
export type { SigningKeys } from './signature-file.ts'
export {
  readProgramManifests,
  type MetricLabel,
  type ProgramManifest,
  type ProgramMetric,
} from './program-manifest.ts'
export { readMetric, type MetricContext, type MetricHistogram, type MetricSample } from './program-metrics.ts'
export { openNativeBackend, openNativeMap } from './native.ts'
export { interfaceIndexOf } from './attach.ts'
export { mapMemory } from './map-memory.ts'
export { openRingBuffer, openRingReader, type RingBuffer, type RingReader } from './ring-buffer.ts'
export { parseObject, type ObjectFile } from './object-file.ts'
export { parseBtf, type Btf } from './btf.ts'
export { featureNames, type Feature, type FeatureName } from './feature.ts'
export type { ProbeCalls, ProbeKernel, ProbeMap, ProbeProgram } from './probe-kernel.ts'
export { probeFeatures } from './probe-features.ts'
export { kernelEnum } from './kernel-enum.ts'
export { openBpftoolBackend, type BpftoolBackendOptions } from './bpftool.ts'
export type { BpftoolOutput, RunBpftool } from './bpftool-run.ts'
export { openMemoryBackend, type MemoryBackend, type MemoryBackendOptions } from './memory.ts'
export { chooseBackend, type BackendChoice, type ChosenBackend } from './choose-backend.ts'
export { xdpFeatures, type XdpFeatures } from './xdp-features.ts'
