import { factsOf, mttrFaults, type FaultFacts, type MttrFault } from '../mttr/fault-names.ts'
import type { Report } from '../report.ts'
import { median } from '../statistics.ts'
import { comparisonChart } from './comparison-chart.ts'
import { faultTimeline } from './fault-timeline.ts'
import { margin, paragraph, svgPage, svgText, type Panel, type StreamWords } from './svg-page.ts'
import { timeText } from './time-axis.ts'
import { hasOutage, type TimelineRun } from './timeline-run.ts'

/** A picture of a report: what a file of it is called, and its text. */
export interface Picture {
  readonly name: string
  readonly svg: string
}

/** The faults of a report's runs in the order of their first run, each with its runs. */
function byFault({ runs = [] }: Report): ReadonlyMap<string, readonly TimelineRun[]> {
  return Map.groupBy(runs, ({ fault }) => fault)
}

/**
 * A picture for each fault, `outage-<fault>.svg`, and `comparison.svg` of all where there are several faults or systems.
 * None where the report has no runs.
 */
export function picturesOf(report: Report): readonly Picture[] {
  const faults = byFault(report)
  const pictures = [...faults].map(([fault, runs]) => ({
    name: `outage-${fault}.svg`,
    svg: svgPage(titleOf(fault), describe(runs), [
      heading(titleOf(fault), saysOf(fault, report)),
      faultTimeline(runs, wordsOf(report, fault)),
      foot(report),
    ]),
  }))
  if (faults.size < 2) return pictures
  const title = 'How long a fault was felt'
  const chart = comparisonChart(report.runs ?? [])
  const comparison = svgPage(title, describe(report.runs ?? []), [
    heading(title, subtitleOf(report)),
    chart,
    foot(report),
  ])
  return [...pictures, { name: 'comparison.svg', svg: comparison }]
}

/** Everything in one picture: the comparison first, where there are several faults, then each fault. */
export function pictureOf(report: Report): string {
  const faults = byFault(report)
  const only = faults.size === 1 ? [...faults.keys()][0] : undefined
  const title = only === undefined ? 'How long a fault was felt' : titleOf(only)
  const panels: Panel[] = [heading(title, only === undefined ? subtitleOf(report) : saysOf(only, report))]
  if (faults.size > 1) panels.push(comparisonChart(report.runs ?? []))
  for (const [fault, runs] of faults) {
    if (only === undefined)
      panels.push({ height: 26, parts: [] }, heading(titleOf(fault), saysOf(fault, report)))
    panels.push(faultTimeline(runs, wordsOf(report, fault)))
  }
  return svgPage(title, describe(report.runs ?? []), [...panels, foot(report)])
}

/** A stream of packets through an overlay, or probes of an HTTP service. */
function wordsOf({ parameters }: Report, fault = ''): StreamWords {
  const origin =
    !('url' in parameters) && knownFacts(fault)?.countsFrom === 'lifting' ? 'fault lifted' : 'fault injected'
  return 'url' in parameters
    ? { things: 'probes', arrive: 'probes answered', missing: 'failed', origin }
    : { things: 'packets', arrive: 'packets arrive', missing: 'missing', origin }
}

function knownFacts(fault: string): FaultFacts | undefined {
  return Object.hasOwn(mttrFaults, fault) ? factsOf(fault as MttrFault) : undefined
}

function titleOf(fault: string): string {
  return `Outage after ${fault}`
}

function saysOf(fault: string, report: Report): string {
  const { url, inject } = report.parameters
  // The names of the faults of the overlay say nothing about what a command of the user did to a service.
  if (url !== undefined) return `${String(url)} while: ${shortened(String(inject))}`
  const facts = knownFacts(fault)
  if (facts === undefined) return subtitleOf(report)
  const { says, failures } = facts
  return `${says}${failures.length === 0 ? '' : ` (${failures.join(', ')})`}`
}

function shortened(text: string): string {
  return text.length <= 90 ? text : `${text.slice(0, 90)}…`
}

function subtitleOf(report: Report): string {
  const { runs = [] } = report
  const systems = new Set(runs.map(({ system }) => system)).size
  return `${runs.length} runs of ${systems} ${systems === 1 ? 'system' : 'systems'}; every dot or row is one of them`
}

function heading(title: string, subtitle: string): Panel {
  return {
    height: 58,
    parts: [
      svgText(margin, 18, title, { size: 'title' }),
      svgText(margin, 40, subtitle, { size: 'sub', tone: 'soft' }),
    ],
  }
}

/** The stand that the figures belong to. */
function foot(report: Report): Panel {
  const { environment, timestamp, runs = [] } = report
  const { cpu, cores, kernel, versions } = environment
  const rates = [...new Set(runs.map(({ intervalMs }) => Math.round(1000 / intervalMs)))]
  const known = Object.entries(versions).filter(([name]) => name !== 'openssl')
  return paragraph(
    `Every row is one run, shortest outage first; ${rates.join(' or ')} ${wordsOf(report).things} a second. ${timestamp.slice(0, 10)}; ${cpu}, ` +
      `${cores} cores, Linux ${kernel}; ${known.map(([name, version]) => `${name} ${version}`).join(', ')}. One machine: compare within the picture.`,
    10,
    { size: 'tiny' },
  )
}

/** The picture in words. */
function describe(runs: readonly TimelineRun[]): string {
  const sentences = [...Map.groupBy(runs, ({ system, fault }) => `${system} after ${fault}`)].map(
    ([what, all]) => {
      const outagesMs = all.filter(hasOutage).map(({ outageMs }) => outageMs)
      const stuck = all.filter(({ outcome }) => outcome === 'not-recovered').length
      const tail = stuck === 0 ? '' : `, ${stuck} did not recover`
      if (outagesMs.length === 0) return `${what}: no outage measured${tail}.`
      return `${what}: median ${timeText(median(outagesMs))}, worst ${timeText(Math.max(...outagesMs))} of ${outagesMs.length} runs${tail}.`
    },
  )
  return sentences.join(' ')
}
