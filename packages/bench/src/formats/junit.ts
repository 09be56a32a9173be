import { figure } from '../markdown.ts'
import type { Report } from '../report.ts'
import { escapeXml } from './xml.ts'

/**
 * A report as JUnit XML, which CI servers show: a test case for each objective (failed if missed), for each path that
 * failed (an error) and for each that was left out (skipped). Figures are in the system output of the suite.
 */
export function junitXml(report: Report): string {
  const { kind, timestamp, environment, objectives, failed, skipped, results, command } = report
  const suite = `x0t bench ${kind}`
  const cases = [
    ...objectives.map(({ name, limit, value, met }) => {
      const found = value === null ? 'not measured' : `${figure(value)}, the limit is ${figure(limit)}`
      return testCase(
        suite,
        name,
        met ? '' : tag('failure', { type: 'objective', message: `${name}: ${found}` }),
      )
    }),
    ...[...Map.groupBy(failed, ({ path }) => path)].map(([path, all]) => {
      const [first, ...more] = all.map(({ reason }) => reason)
      const message = more.length === 0 ? first! : `${first!} (and ${more.length} more)`
      return testCase(suite, path, `<error${attributes({ type: 'failed', message })}>${lines(more)}</error>`)
    }),
    ...skipped.map(({ path, reason }) => testCase(suite, path, tag('skipped', { message: reason }))),
  ]
  const counts = {
    tests: String(cases.length),
    failures: String(objectives.filter(({ met }) => !met).length),
    errors: String(new Set(failed.map(({ path }) => path)).size),
    skipped: String(skipped.length),
  }
  const properties = { command, cpu: environment.cpu, kernel: environment.kernel, ...environment.versions }
  const figures = results.map(
    ({ name, unit, median, p95, max, samples }) =>
      `${name}: median ${figure(median)} ${unit}, p95 ${figure(p95)}, max ${figure(max)}, ${samples} samples`,
  )
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes(counts)}>`,
    `<testsuite${attributes({ name: suite, timestamp: timestamp.replace(/\.\d+Z$/, ''), ...counts })}>`,
    '<properties>',
    ...Object.entries(properties).map(([name, value]) => tag('property', { name, value })),
    '</properties>',
    ...cases,
    `<system-out>${lines(figures)}</system-out>`,
    '</testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

/** Lines of text as content. */
function lines(texts: readonly string[]): string {
  return texts.map(escapeXml).join('\n')
}

function testCase(suite: string, name: string, inside: string): string {
  const opening = `<testcase${attributes({ classname: suite.replaceAll(' ', '.'), name })}`
  return inside === '' ? `${opening}/>` : `${opening}>${inside}</testcase>`
}

function tag(name: string, values: Readonly<Record<string, string>>): string {
  return `<${name}${attributes(values)}/>`
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(value)}"`)
    .join('')
}
