import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { X0tError } from '@x0t/core'
import type { Report } from '@x0t/bench'

/** Where a report goes besides the screen. */
export interface ReportFiles {
  readonly out?: string
  readonly markdown?: string
  readonly junit?: string
  readonly svg?: string
  readonly roadmap?: string
  readonly roadmapFormat: 'json' | 'csv' | 'both'
}

/** Writes the files that were asked for; returns their paths. */
export async function writeReportFiles(report: Report, files: ReportFiles): Promise<readonly string[]> {
  const written: string[] = []
  const write = async (path: string, text: string): Promise<void> => {
    await writeFile(path, text)
    written.push(path)
  }
  const { junitXml, pictureOf, picturesOf, reportMarkdown, roadmapFiles } = await import('@x0t/bench')
  const { out, markdown, junit, svg, roadmap, roadmapFormat } = files
  if (out !== undefined)
    await write(out, out.endsWith('.md') ? reportMarkdown(report) : `${JSON.stringify(report, null, 2)}\n`)
  if (markdown !== undefined) await write(markdown, reportMarkdown(report))
  if (junit !== undefined) await write(junit, junitXml(report))
  if (roadmap !== undefined) {
    await mkdir(roadmap, { recursive: true })
    for (const { name, text } of roadmapFiles(report, roadmapFormat)) await write(join(roadmap, name), text)
  }
  if (svg === undefined) return written
  if ((report.runs ?? []).length === 0) {
    throw new X0tError('BENCH_NO_RUNS', 'there is nothing to draw: the report has no injections', {
      hint: '--svg is for x0t bench mttr',
    })
  }
  if (!(await isFolder(svg))) {
    await write(svg, pictureOf(report))
    return written
  }
  await mkdir(svg, { recursive: true })
  for (const picture of picturesOf(report)) await write(join(svg, picture.name), picture.svg)
  return written
}

/** True for a folder that exists, and for a path that can only mean one. */
async function isFolder(path: string): Promise<boolean> {
  if (path.endsWith('/')) return true
  return stat(path).then(
    (found) => found.isDirectory(),
    () => !path.endsWith('.svg'),
  )
}
