import { copyFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, X0tError } from '@x0t/core'
import type { Report } from '../report.ts'
import { mostReportBytes, parseReport } from './report-schema.ts'

/** Where baselines are kept if nothing else is said, in the working directory. */
export const defaultBaselineFolder = '.x0t-bench'

/**
 * Reads a report file.
 * @throws X0tError BENCH_REPORT_NOT_FOUND, BENCH_REPORT_INVALID
 */
export async function readReport(path: string): Promise<Report> {
  try {
    const { size } = await stat(path)
    if (size > mostReportBytes)
      throw new X0tError(
        'BENCH_REPORT_INVALID',
        `${path} has ${size} bytes; a report has at most ${mostReportBytes}`,
      )
    return parseReport(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    throw new X0tError('BENCH_REPORT_NOT_FOUND', `there is no report at ${path}`, {
      cause: error,
      hint: 'x0t bench … --out report.json, then x0t bench baseline save report.json',
    })
  }
}

/**
 * Keeps a report as baseline `name`: as `<name>_<date>.json`, with the link `<name>.json` pointing to it. The newest of
 * a day replaces the one before. Returns the path of the file.
 * @throws X0tError BENCH_OPTION_INVALID for a name that is no plain file name
 */
export async function saveBaseline(report: Report, folder: string, name: string): Promise<string> {
  checkName(name)
  await mkdir(folder, { recursive: true })
  const file = `${name}_${report.timestamp.slice(0, 10).replaceAll('-', '')}.json`
  const [path, link] = [join(folder, file), join(folder, `${name}.json`)]
  const temporary = join(folder, `.${file}.${process.pid}`)
  try {
    await writeFile(temporary, `${JSON.stringify(report, null, 2)}\n`)
    await rename(temporary, path)
    await pointTo(file, link, temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  return path
}

/** Replaces `link` in one step; a copy where the file system has no links. */
async function pointTo(file: string, link: string, temporary: string, path: string): Promise<void> {
  try {
    await symlink(file, temporary)
  } catch (error) {
    if (!hasCode(error, 'EPERM') && !hasCode(error, 'ENOTSUP') && !hasCode(error, 'ENOSYS')) throw error
    await copyFile(path, temporary)
  }
  await rename(temporary, link)
}

/** The baseline of this name. @throws X0tError BENCH_REPORT_NOT_FOUND, BENCH_REPORT_INVALID, BENCH_OPTION_INVALID */
export async function readBaseline(folder: string, name: string): Promise<Report> {
  checkName(name)
  return readReport(join(folder, `${name}.json`))
}

function checkName(name: string): void {
  if (/^[a-z0-9][a-z0-9.-]{0,60}$/i.test(name)) return
  throw new X0tError(
    'BENCH_OPTION_INVALID',
    `${JSON.stringify(name.slice(0, 80))} is no name of a baseline`,
    {
      exitCode: 2,
      hint: 'letters, digits, dots and hyphens',
    },
  )
}
