// Over 300 lines, and one piece: one short view for each result of x0t bpf.
import type {
  AttachResult,
  Change,
  DetachedFrom,
  Feature,
  Holder,
  LinkInfo,
  LoadPinnedResult,
  ObjectInventory,
  ProgramInfo,
  ReplaceResult,
  RunStatistics,
  UnloadResult,
} from '@x0t/bpf'
import type { BpfEvent, WatchCounter } from './bpf-watch-state.ts'
import { columns, facts } from './table.ts'

/** @param value.reason which way to the kernel is taken, and why */
export function featuresView(value: {
  readonly reason: string
  readonly features: readonly Feature[]
}): string {
  const { reason, features } = value
  const table = columns(
    ['FEATURE', 'RESULT', 'FOUND', 'FOR'],
    features.map(({ name, status, detail, usedBy }) => [
      name,
      status === 'works' ? 'works' : status.toUpperCase(),
      status === 'works' && detail === 'works' ? '' : detail,
      usedBy,
    ]),
  )
  const hints = features.filter(({ hint }) => hint !== undefined)
  return hints.length === 0
    ? `${table}\n\nby ${reason}; all is well`
    : `${table}\n\nby ${reason}\n${hints.map(({ name, hint }) => `${name}: ${hint!}`).join('\n')}`
}

export function loadedView({ name, programs, maps, refusals }: LoadPinnedResult): string {
  const list = (items: readonly { readonly name: string; readonly id: number }[]): string =>
    items.map((item) => `${item.name} (${item.id})`).join(', ') || 'none'
  const lines = [
    facts([
      ['loaded', name],
      ['programs', list(programs)],
      ['maps', list(maps)],
    ]),
  ]
  for (const { program, message, hint } of refusals)
    lines.push(`REFUSED ${program}: ${message}${hint === undefined ? '' : `\n  hint: ${hint}`}`)
  return lines.join('\n')
}

export function attachedView({ attached }: { readonly attached: readonly AttachResult[] }): string {
  return attached
    .map((one) =>
      one.kind === 'link'
        ? `attached ${one.object}/${one.name} (link ${one.id})`
        : `attached ${one.object}/${one.program} to the chain of ${one.target}, ${one.chain.entries.length} program${one.chain.entries.length === 1 ? '' : 's'}`,
    )
    .join('\n')
}

export function replacedView(result: ReplaceResult): string {
  const checks =
    result.checks === 0 ? '' : ` (${result.checks} health check${result.checks === 1 ? '' : 's'})`
  return result.outcome === 'replaced'
    ? `replaced program ${result.previousProgramId} by ${result.programId} at ${result.object}/${result.name}${checks}`
    : `ROLLED BACK to program ${result.previousProgramId} at ${result.object}/${result.name}: program ${result.programId} did not become healthy${checks}`
}

export function detachedView({ object, links, chains }: DetachedFrom): string {
  return [
    ...links.map((link) => `detached ${object}/${link}`),
    ...chains.map((link) => `detached ${object} from the chain of ${placeOf(link)}`),
  ].join('\n')
}

export function unloadedView({ name, programs, maps, links, remaining }: UnloadResult): string {
  const count = (items: readonly string[], word: string): string =>
    `${items.length} ${word}${items.length === 1 ? '' : 's'}`
  const lines = [
    `unloaded ${name}: ${count(links, 'link')}, ${count(programs, 'program')}, ${count(maps, 'map')}`,
  ]
  for (const { kind, id, name, holders } of remaining)
    lines.push(
      `STILL IN THE KERNEL: ${kind} ${id} ${name}, held by ${holders.map(({ command, pid }) => `${command} (${pid})`).join(', ') || 'no process: a link or map of another holds it'}`,
    )
  return lines.join('\n')
}

export function inventoryView({
  root,
  namespace,
  objects,
}: {
  readonly root: string
  /** Inode of the network namespace of this process, where it is not the machine's. */
  readonly namespace: number | null
  readonly objects: readonly ObjectInventory[]
}): string {
  if (objects.length === 0) return `nothing is loaded under ${root}`
  const table = columns(
    ['OBJECT', 'PROGRAM', 'ID', 'TYPE', 'ATTACHED', 'LOADED'],
    objects.flatMap((object) => {
      const rows = object.programs.map(({ name, info }) => [
        object.name,
        name,
        info === undefined ? '-' : String(info.id),
        info?.type ?? '-',
        attachmentsOf(object, name, namespace).join(', ') || '-',
        object.state === 'loaded' ? (info === undefined ? '-' : timeOf(info.loadedAtMs)) : stateWord(object),
      ])
      return rows.length > 0 ? rows : [[object.name, '-', '-', '-', '-', stateWord(object)]]
    }),
  )
  const half = [...new Set(objects.filter(({ state }) => state !== 'loaded').map(({ name }) => name))]
  if (half.length === 0) return table
  return `${table}\n\n${half.map((name) => `${name} is half done: a command is at it, or was killed; x0t bpf unload ${name} removes it`).join('\n')}`
}

function stateWord({ state }: ObjectInventory): string {
  return state === 'loaded' ? 'EMPTY' : `HALF ${state === 'loading' ? 'LOADED' : 'UNLOADED'}`
}

/** Where a program runs: by links of its own and in chains. */
function attachmentsOf(
  { links, chained }: ObjectInventory,
  program: string,
  namespace: number | null,
): readonly string[] {
  const own = links
    .filter(
      ({ name }) =>
        name.startsWith(`${program}@`) || (program === 'x0t_chain' && name.startsWith('x0t_chain-')),
    )
    .map(({ name }) => placeOf(name, namespace))
  const places = chained
    .filter((place) => place.program === program)
    .map(({ link, priority }) => `${placeOf(link, namespace)} (chain, priority ${priority})`)
  return [...own, ...places]
}

/**
 * `eth0 xdp` of `guard@eth0-xdp`; with the inode of its network namespace where that is neither the machine's nor
 * `own`.
 */
function placeOf(link: string, own: number | null = null): string {
  const [place = '', namespace] = link.slice(link.indexOf('@') + 1).split('@')
  const text = place.replace(/-(xdp|ingress|egress)$/, ' $1')
  return namespace === undefined || namespace === String(own) ? text : `${text} (netns ${namespace})`
}

function timeOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')
}

export function programsView({
  programs,
  links,
}: {
  readonly programs: readonly ProgramInfo[]
  readonly links: readonly LinkInfo[]
}): string {
  return columns(
    ['ID', 'NAME', 'TYPE', 'TAG', 'ATTACHED', 'LOADED', 'PINS'],
    programs.map((program) => [
      String(program.id),
      program.name,
      program.type,
      program.tag,
      links
        .filter(({ programId }) => programId === program.id)
        .map(({ target, type }) => target || type)
        .join(', ') || '-',
      timeOf(program.loadedAtMs),
      program.pins.join(' ') || '-',
    ]),
  )
}

export function programView(value: {
  readonly program: ProgramInfo
  readonly links: readonly LinkInfo[]
  readonly holders: readonly Holder[]
}): string {
  const { program, links, holders } = value
  return facts([
    ['program', `${program.id} ${program.name}`],
    ['type', program.type],
    ['tag', program.tag],
    ['loaded', timeOf(program.loadedAtMs)],
    ['size', sizeOf(program)],
    ['maps', program.mapIds.join(', ') || 'none'],
    ['links', links.map(({ id, target, type }) => `${id} (${target || type})`).join(', ') || 'none'],
    ['pins', program.pins.join(', ') || 'none'],
    ['held by', holders.map(({ command, pid }) => `${command} (${pid})`).join(', ') || 'no process'],
  ])
}

function sizeOf({ instructionBytes, jitedBytes, verifiedInstructions }: ProgramInfo): string {
  return `${instructionBytes / 8} instructions, ${jitedBytes} bytes of machine code; the verifier walked ${verifiedInstructions}`
}

/** All of an object. */
export function objectView(object: ObjectInventory): string {
  const { name, state, programs, maps, links, chained } = object
  const parts = [facts([['object', `${name}${state === 'loaded' ? '' : ` (${stateWord(object)})`}`]])]
  if (programs.length > 0)
    parts.push(
      columns(
        ['PROGRAM', 'ID', 'TYPE', 'TAG', 'INSTRUCTIONS', 'JITED', 'VERIFIED', 'MAPS'],
        programs.map(({ name, info }) =>
          info === undefined
            ? [name, '-', '-', '-', '-', '-', '-', '-']
            : [
                name,
                String(info.id),
                info.type,
                info.tag,
                String(info.instructionBytes / 8),
                `${info.jitedBytes} B`,
                String(info.verifiedInstructions),
                info.mapIds.join(' '),
              ],
        ),
      ),
    )
  if (maps.length > 0)
    parts.push(
      columns(
        ['MAP', 'ID', 'TYPE', 'KEY', 'VALUE', 'ENTRIES'],
        maps.map(({ name, info }) =>
          info === undefined
            ? [name, '-', '-', '-', '-', '-']
            : [
                name,
                String(info.id),
                info.type,
                `${info.keyBytes} B`,
                `${info.valueBytes} B`,
                `at most ${info.maxEntries}`,
              ],
        ),
      ),
    )
  if (links.length > 0 || chained.length > 0)
    parts.push(
      columns(
        ['ATTACHMENT', 'LINK', 'TYPE', 'WHERE', 'PROGRAM'],
        [
          ...links.map(({ name, info }) =>
            info === undefined
              ? [name, '-', '-', '-', '-']
              : [name, String(info.id), info.type, info.target || placeOf(name), String(info.programId)],
          ),
          ...chained.map(({ program, link, priority }) => [
            `${program}${link.slice(link.indexOf('@'))}`,
            '-',
            'chain',
            placeOf(link),
            `priority ${priority}`,
          ]),
        ],
      ),
    )
  return parts.join('\n\n')
}

export function statsView({
  programs,
}: {
  readonly programs: readonly (RunStatistics & { readonly program: string | null })[]
}): string {
  if (programs.length === 0) return 'no program of x0t is loaded'
  return columns(
    ['PROGRAM', 'ID', 'TYPE', 'RUNS', 'RUNS/S', 'NS/RUN', 'CPU'],
    programs.map((one) => [
      one.program ?? one.name,
      String(one.id),
      one.type,
      String(one.runs),
      one.runsPerSecond.toFixed(one.runsPerSecond < 10 ? 1 : 0),
      one.nsPerRun === null ? '-' : one.nsPerRun.toFixed(0),
      `${(one.cpuRatio * 100).toFixed(3)} %`,
    ]),
  )
}

export function changesView({ changes }: { readonly changes: readonly Change[] }): string {
  const lines = changes.map(
    ({ action, what, note }) => `${action.padEnd(9)} ${what}${note === undefined ? '' : `  ${note}`}`,
  )
  if (changes.every(({ action }) => action === 'unchanged')) lines.push('nothing to change')
  return lines.join('\n')
}

/** A line of the live view. */
export function watchEvent({ atMs, map, event }: BpfEvent): string {
  const text =
    typeof event === 'object' && event !== null && !Array.isArray(event)
      ? Object.entries(event)
          .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
          .join(' ')
      : JSON.stringify(event)
  return `${new Date(atMs).toISOString().slice(11, 23)} ${map} ${text}`
}

export function watchCounters(counters: readonly WatchCounter[]): string {
  return columns(
    ['PROGRAM', 'RUNS', 'RUNS/S', 'NS/RUN'],
    counters.map(({ program, runs, runsPerSecond, nsPerRun }) => [
      program,
      String(runs),
      runsPerSecond.toFixed(1),
      nsPerRun === null ? '-' : nsPerRun.toFixed(0),
    ]),
  )
}
