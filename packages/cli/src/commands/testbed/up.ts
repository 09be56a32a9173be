import { readFile } from 'node:fs/promises'
import { Option, type Command } from 'commander'
import { messageOf, X0tError } from '@x0t/core'
import type { CableKind, RunnerSpec, Topology } from '@x0t/testbed'
import type { CommandContext } from '../../main.ts'
import { portsOf, runFolderOf, withBed, type BedOption } from './bed-option.ts'
import { nodeRunner } from './node-runner.ts'
import { repeatable } from '../repeatable.ts'

interface UpOptions extends BedOption {
  readonly detach?: boolean
  readonly restart?: boolean
  readonly supervise?: boolean
  readonly bare?: boolean
  readonly movableClock?: boolean
  readonly routes?: boolean
  readonly cables: CableKind
  readonly set?: readonly string[]
}

export function registerUp(testbed: Command, context: CommandContext): void {
  withBed(
    testbed
      .command('up')
      .description('make the hosts and start a node on each; Ctrl-C takes everything down')
      .argument(
        '[topology]',
        'pair, line:N, diamond, ring:N, grid:WxH, or a JSON file: {"links": [["a", "b"], ["b", "c"]]} (default: pair)',
      )
      .argument(
        '[program...]',
        'after --: a program to run on every host in place of a node; {host}, {neighbours}',
      ),
  )
    .addOption(
      new Option('--detach', 'leave it running; x0t testbed down ends it').conflicts([
        'restart',
        'supervise',
      ]),
    )
    .option('--restart', 'start a node again when it ends, at once; after quick deaths in a row later')
    .addOption(new Option('--supervise', 'the same').hideHelp())
    .option('--bare', 'namespaces and links only, nothing runs on the hosts')
    .option('--routes', 'let the kernels forward along shortest paths: a control group without a mesh')
    .addOption(
      new Option(
        '--cables <kind>',
        'what joins two hosts: a veth pair, which rules on the hosts break, or a program that breaks it at once and ' +
          'beneath all that the hosts do, XDP included',
      )
        .choices(['veth', 'bpf'])
        .default('veth'),
    )
    .option('--movable-clock', 'let the fault clock-jump move the clocks of the nodes (needs libfaketime)')
    .option('--set <section.key=value>', 'any setting of the nodes (x0t help config); repeatable', repeatable)
    .action(async (named: string | undefined, program: readonly string[], options: UpOptions) => {
      const { bedStatus, createBed, superviseBed } = await import('@x0t/testbed')
      const { statusView } = await import('../../views/testbed.ts')
      const output = context.output()
      const topology = await topologyOf(named ?? 'pair')
      const create = (): ReturnType<typeof createBed> =>
        createBed({
          ...portsOf(context),
          name: options.bed ?? 'lab',
          topology,
          runner: runnerOf(program, options),
          forward: options.routes === true,
          cables: options.cables,
          runFolder,
          onProgress: (up, of) => output.note(`${up} of ${of} hosts are up`),
        })
      const runFolder = await runFolderOf(options, context)
      if (options.detach === true) {
        output.result(await bedStatus(await create()), statusView)
        return
      }
      await using bed = await create()
      output.result(await bedStatus(bed), statusView)
      output.note('Ctrl-C takes it down')
      const watched = superviseBed(bed, {
        restart: options.restart === true || options.supervise === true,
        signal: context.signal,
      })
      for await (const event of watched) {
        const { host, pid, problem } = event
        const what = { exited: 'ended', restarted: 'started again', 'restart-failed': 'did not start again' }[
          event.kind
        ]
        output.note(`host ${host} ${what}, pid ${pid}${problem === undefined ? '' : `: ${problem}`}`)
      }
      context.signal.throwIfAborted()
    })
}

/** A file ends in `.json` or has a slash in its name; anything else is a shape. */
async function topologyOf(topology: string): Promise<Topology> {
  const { parseShape, parseTopology } = await import('@x0t/testbed')
  if (!/\.json$|\//.test(topology)) return parseShape(topology)
  try {
    return parseTopology(JSON.parse(await readFile(topology, 'utf8')))
  } catch (error) {
    if (error instanceof X0tError) throw error
    throw new X0tError('TESTBED_TOPOLOGY_INVALID', `${topology}: ${messageOf(error)}`, {
      cause: error,
      exitCode: 2,
    })
  }
}

function runnerOf(program: readonly string[], { bare, movableClock, set = [] }: UpOptions): RunnerSpec {
  if (bare === true) return { kind: 'none' }
  if (program.length > 0) return { kind: 'argv', argv: [...program] }
  return { ...nodeRunner(set), ...(movableClock === true ? { movableClock } : {}) }
}
