import { escapeXml } from '../formats/xml.ts'

/** Pixels. */
export const pageWidth = 960
export const margin = 28

/** Colours are doubled for dark surroundings; what they mean is also said in words. */
const style = `
.page{fill:#fff}.ink{fill:#1f2328}.soft{fill:#59636e}.grid{stroke:#d1d9e0;stroke-width:1}.minor{stroke:#eaeef2;stroke-width:1}
.inject{stroke:#1f2328;stroke-width:1.25}.arrives{fill:#e3eaf1}.x0t{fill:#0969da}.hitless{fill:#1a7f37}.peer{fill:#bc4c00}
.late{fill:#d4a72c}.median{stroke:#1f2328;stroke-width:1.25;stroke-dasharray:3 2}
.notice{fill:#1f2328;stroke:#fff;stroke-width:.5}.halo{stroke:#fff;stroke-width:4;stroke-linejoin:round;paint-order:stroke}.rule{stroke:#d1d9e0;stroke-width:1}
text{font-family:ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",Arial,sans-serif}
.title{font-size:20px;font-weight:600}.sub{font-size:13px}.name{font-size:14px;font-weight:600}.small{font-size:12px}.tiny{font-size:11px}
@media (prefers-color-scheme:dark){.page{fill:#0d1117}.ink{fill:#f0f6fc}.soft{fill:#9198a1}.grid{stroke:#3d444d}.minor{stroke:#21262d}
.inject{stroke:#f0f6fc}.arrives{fill:#1f2730}.x0t{fill:#4493f8}.hitless{fill:#3fb950}.peer{fill:#f0883e}.late{fill:#d29922}
.median{stroke:#f0f6fc}.notice{fill:#f0f6fc;stroke:#0d1117}.halo{stroke:#0d1117}.rule{stroke:#3d444d}}`

/** Colour of a system: ours, ours without loss, or another. */
export function colourOf(system: string): 'x0t' | 'hitless' | 'peer' {
  if (system === 'x0t-hitless') return 'hitless'
  return system.startsWith('x0t') ? 'x0t' : 'peer'
}

export interface TextOptions {
  readonly size?: 'title' | 'sub' | 'name' | 'small' | 'tiny'
  readonly tone?: 'ink' | 'soft' | 'x0t' | 'hitless' | 'peer'
  readonly anchor?: 'start' | 'middle' | 'end'
  /** A rim in the colour of the page, so that the text is readable on bars. */
  readonly halo?: boolean
}

export function svgText(
  x: number,
  y: number,
  text: string,
  { size = 'small', tone = 'ink', anchor = 'start', halo = false }: TextOptions = {},
): string {
  const side = anchor === 'start' ? '' : ` text-anchor="${anchor}"`
  return `<text class="${size} ${tone}${halo ? ' halo' : ''}" x="${px(x)}" y="${px(y)}"${side}>${escapeXml(text)}</text>`
}

export function svgRect(
  className: string,
  x: number,
  y: number,
  width: number,
  height: number,
  radius = 0,
): string {
  const round = radius === 0 ? '' : ` rx="${px(radius)}"`
  return `<rect class="${className}" x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}"${round}/>`
}

export function svgLine(className: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${className}" x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}"/>`
}

/** What the stream consists of, in words. */
export interface StreamWords {
  readonly things: string
  readonly arrive: string
  readonly missing: string
  /** What happened at 0 of the axis. */
  readonly origin: 'fault injected' | 'fault lifted'
}

/** A drawing of a certain height, to be put on a page below others. */
export interface Panel {
  readonly height: number
  readonly parts: readonly string[]
}

/** A whole SVG file of panels below each other. `title` and `description` are read aloud by screen readers. */
export function svgPage(title: string, description: string, panels: readonly Panel[]): string {
  let y = margin
  const groups = panels.map((panel) => {
    const group = `<g transform="translate(0 ${px(y)})">\n${panel.parts.join('\n')}\n</g>`
    y += panel.height
    return group
  })
  const height = Math.ceil(y + margin - 8)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${pageWidth} ${height}" width="${pageWidth}" height="${height}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escapeXml(title)}</title>`,
    `<desc id="desc">${escapeXml(description)}</desc>`,
    `<style>${style}</style>`,
    svgRect('page', 0, 0, pageWidth, height, 8),
    ...groups,
    '</svg>',
    '',
  ].join('\n')
}

/** Text in lines below each other, broken at words to about `width` pixels. */
export function paragraph(
  text: string,
  y: number,
  options: TextOptions & { readonly width?: number } = {},
): Panel {
  const perLine = Math.floor((options.width ?? pageWidth - 2 * margin) / 6.1)
  const lines: string[] = ['']
  for (const word of text.split(/\s+/)) {
    const longer = `${lines.at(-1)!} ${word}`.trim()
    if (longer.length <= perLine) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return {
    height: y + 17 * lines.length,
    parts: lines.map((line, at) =>
      svgText(margin, y + 12 + 17 * at, line, { size: 'small', tone: 'soft', ...options }),
    ),
  }
}

/** Coordinates with two decimals at most. */
export function px(value: number): string {
  return String(Math.round(value * 100) / 100 + 0)
}
