import type { Command } from 'commander'
import type { CommandContext } from '../main.ts'

type Register = (program: Command, context: CommandContext) => void

/** A noun of the command line: its name, its line in `--help`, and where its commands are. */
type Noun = readonly [name: string, description: string, load: () => Promise<Register>]

/** Every noun, in the order of `--help`. One line each; a test compares the descriptions with the commands'. */
const nouns: readonly Noun[] = [
  ['node', 'the mesh node of this machine', async () => (await import('./node/index.ts')).registerNode],
  [
    'mesh',
    'the mesh as this node sees it: map, routes, paths, traces',
    async () => (await import('./mesh/index.ts')).registerMesh,
  ],
  [
    'heal',
    'what the healing loop saw, decided and mended',
    async () => (await import('./heal/index.ts')).registerHeal,
  ],
  [
    'keygen',
    'make a new post-quantum identity: NAME.key (secret) and NAME.pub',
    async () => (await import('./key/index.ts')).registerKeygen,
  ],
  [
    'key',
    'identity keys: make, look at, back up, rotate, sign, encrypt',
    async () => (await import('./key/index.ts')).registerKey,
  ],
  [
    'dao',
    'decide together: members, proposals, ballots, counts that anyone can check',
    async () => (await import('./dao/index.ts')).registerDao,
  ],
  ['config', 'the settings of a node', async () => (await import('./config/index.ts')).registerConfig],
  [
    'testbed',
    'many hosts on this machine, in network namespaces, with real faults',
    async () => (await import('./testbed/index.ts')).registerTestbed,
  ],
  [
    'bpf',
    'eBPF programs in the kernel: load, attach, look at, test',
    async () => (await import('./bpf/index.ts')).registerBpf,
  ],
  [
    'bench',
    'measure x0t on this machine, beside other software',
    async () => (await import('./bench/index.ts')).registerBench,
  ],
  [
    'completion',
    'print a completion script',
    async () => (await import('./completion/index.ts')).registerCompletion,
  ],
  ['help', 'show help for a command or a topic', async () => (await import('./help/index.ts')).registerHelp],
]

/**
 * Adds the commands to the program. A command line needs one noun, so only that one is loaded, and the others stand
 * with name and description for `--help`; `completion`, `help` and no `word` at all need them all.
 * @param word the noun that the command line names; undefined loads all
 */
export async function registerCommands(
  program: Command,
  context: CommandContext,
  word?: string,
): Promise<void> {
  const all = word === undefined || word === 'completion' || word === 'help'
  for (const [name, description, load] of nouns) {
    if (all || word === name) (await load())(program, context)
    else program.command(name).description(description)
  }
}
