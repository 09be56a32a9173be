// Draws a terminal transcript as SVG. Usage: node tools/transcript-svg.ts < transcript.txt > picture.svg
// Lines that begin with a prompt ("host$ ") are commands, lines that begin with "#" are remarks.
import { readFileSync } from 'node:fs'

const fontPx = 13
const linePx = 18
const charPx = 7.83
const marginPx = 16

const lines = readFileSync(0, 'utf8').trimEnd().split('\n')
const columns = Math.max(60, ...lines.map((line) => line.length))
const width = Math.ceil(columns * charPx + 2 * marginPx)
const height = lines.length * linePx + 2 * marginPx

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const spans = lines.map((line, index) => {
  const y = marginPx + fontPx + index * linePx
  const prompt = /^[\w-]*\$ /.exec(line)?.[0]
  const at = `x="${marginPx}" y="${y}" xml:space="preserve"`
  if (line.startsWith('#')) return `<text ${at} fill="#7d8590">${escape(line)}</text>`
  if (prompt === undefined) return `<text ${at} fill="#c9d1d9">${escape(line)}</text>`
  const command = escape(line.slice(prompt.length))
  return `<text ${at}><tspan fill="#3fb950">${escape(prompt)}</tspan><tspan fill="#ffffff">${command}</tspan></text>`
})

process.stdout.write(
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" role="img">`,
    `<title>Transcript of a terminal</title>`,
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="${fontPx}">`,
    ...spans,
    '</g></svg>',
    '',
  ].join('\n'),
)
