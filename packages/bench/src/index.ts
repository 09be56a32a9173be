/**
 * Benchmarks of scenarios against other software, with statistics, objectives and reports.
 *
 * @example
 * import { reportMarkdown, throughputBench } from '@x0t/bench'
 * const report = await throughputBench({
 *   against: ['wireguard-go'], relays: 0, lossRatio: 0, runs: 3, seconds: 5, datagrams: false, offloads: true,
 *   runFolder: '/run/x0t-testbed', objectives: [], command: 'example', versions: {},
 *   env: process.env, signal: new AbortController().signal,
 * })
 * process.stdout.write(reportMarkdown(report))
 */
export { errorCodes, type BenchErrorCode } from './errors.ts'
export {
  bootstrapMedian,
  leastForPercentiles,
  leastSquaresSlope,
  median,
  quantile,
  type Interval,
} from './statistics.ts'
export { sampleBook, summarize, type Result, type SampleBook } from './result.ts'
export { judge, parseObjective, type Objective, type ObjectiveOutcome } from './objective.ts'
export { makeReport, type Report, type Skipped } from './report.ts'
export { figure, reportMarkdown } from './markdown.ts'
export { describeEnvironment, type Environment } from './environment.ts'
export { throughputBench, type ThroughputOptions } from './throughput.ts'
export { peers } from './peers/index.ts'
export { choosePeerSystem, peerFamilies, type PeerFamily } from './mttr/systems/peer-families.ts'
export { cryptoBench, type CryptoOptions } from './crypto.ts'
export { mostNodes, scaleBench, type ScaleOptions } from './scale.ts'
export { soakBench, type SoakOptions } from './soak.ts'
export { calmBench, type CalmOptions } from './calm.ts'
export { bpfOverheadBench, type BpfOverheadOptions } from './bpf-overhead/bpf-overhead.ts'
export { relayBench, relayPaths, type RelayOptions, type RelayPath } from './relay/relay.ts'
export { daoBench, type DaoOptions } from './dao/dao.ts'
export { takeoverBench, type TakeoverOptions } from './takeover.ts'
export { faultWeights, planFaults, type PlannedFault } from './soak-plan.ts'
export { parseTarget, isNear, remoteBounds, type HttpTarget, type TargetOptions } from './http/target.ts'
export { measureHttpService, type HttpServiceOptions, type HttpServiceReport } from './http/http-service.ts'
export type { HttpRun, ProbeGap } from './http/http-run.ts'
export { httpMetricsBench, type HttpMetricsOptions } from './http/http-metrics.ts'
export { mostRateHz, mttrBench, type MttrOptions, type MttrReport } from './mttr/mttr.ts'
export { factsOf, mttrFaults, parseFaultNames, type FaultFacts, type MttrFault } from './mttr/fault-names.ts'
export type { DelaySlice, RunOutcome, RunRecord, StreamGap, StreamOddity } from './mttr/run-record.ts'
export type { Alarm, MttrSystem, Reactions, RunningSystem } from './mttr/system.ts'
export { kernelSettings, x0tSystem, type KernelLiveness, type X0tSystemOptions } from './mttr/x0t-system.ts'
export { pictureOf, picturesOf, type Picture } from './picture/pictures.ts'
export { hasOutage, type TimelineRun } from './picture/timeline-run.ts'
export { junitXml } from './formats/junit.ts'
export {
  roadmapFiles,
  roadmapMttr,
  roadmapSuite,
  type RoadmapFile,
  type RoadmapMetric,
  type RoadmapMttr,
  type RoadmapMttrFile,
  type RoadmapSuite,
} from './formats/roadmap.ts'
export { mannWhitney, type RankTest } from './baseline/mann-whitney.ts'
export { holm } from './baseline/holm.ts'
export {
  compareReports,
  type CompareOptions,
  type Comparison,
  type ComparisonReport,
  type Verdict,
} from './baseline/compare-reports.ts'
export { changeText, comparisonMarkdown, methodOf, pText } from './baseline/comparison-markdown.ts'
export { defaultBaselineFolder, readBaseline, readReport, saveBaseline } from './baseline/baseline-folder.ts'
export { mostReportBytes, parseReport, reportSchema } from './baseline/report-schema.ts'
