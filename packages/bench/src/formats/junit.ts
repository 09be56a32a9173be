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
    ...failed.map(({ path, reason }) =>
      testCase(suite, path, tag('error', { type: 'failed', message: reason })),
    ),
    ...skipped.map(({ path, reason }) => testCase(suite, path, tag('skipped', { message: reason }))),
  ]
  const counts = {
    tests: String(cases.length),
    failures: String(objectives.filter(({ met }) => !met).length),
    errors: String(failed.length),
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
    `<system-out>${escapeXml(figures.join('\n')).replaceAll('&#10;', '\n')}</system-out>`,
    '</testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
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
