import type { FaultSteps } from './fault-steps.ts'
import { ineffective } from './fault-steps.ts'
import type { UndoStep } from './manifest.ts'
import type { LinkEnd } from './network-plan.ts'
import { inNamespace, type Run } from './run-command.ts'

/** Rules in one namespace. They come and go as a whole: one file of nft is one transaction of the kernel. */
export interface RuleSet {
  readonly namespace: string
  readonly tables: readonly Table[]
}

export interface Table {
  readonly family: 'netdev' | 'inet'
  readonly name: string
  /** Complete chains, which count what they hit. */
  readonly chains: readonly string[]
}

/** A packet that one end sends to the other to see whether the fault takes it. */
export interface TestPacket {
  readonly from: LinkEnd
  readonly to: LinkEnd
  /** True if it must not be answered. */
  readonly lost: boolean
}

/** Chain at an end of a link: `ingress` for what arrives there, `egress` for what leaves. */
export function chainAt(end: LinkEnd, hook: 'ingress' | 'egress', priority: number, rule: string): string {
  return `chain ${hook}_${end.index} {
 type filter hook ${hook} device "${end.interface}" priority ${priority};
 ${rule};
}`
}

/** A fault made of rules. It is seen if test packets are lost and the rules have counted them. */
export function nftFault(
  ruleSets: readonly RuleSet[],
  tests: readonly TestPacket[],
  /** Rules that must have met a packet: of a fault by chance only the one that sees all. */
  { counters = 'every' }: { readonly counters?: 'every' | 'first' } = {},
): FaultSteps {
  return {
    async inject({ run }) {
      await Promise.all(ruleSets.map((set) => run(nftIn(set.namespace), { input: rulesText(set) })))
    },
    async verify({ run }) {
      const lost = await Promise.all(tests.map((test) => sendTest(test, run)))
      const answered = tests.find((test, at) => test.lost && !lost[at])
      if (answered !== undefined)
        throw ineffective(`${answered.to.host} answers what ${answered.from.host} sends on their link`)
      for (const { namespace, tables } of ruleSets) {
        for (const table of tables) {
          const all = await countersOf(namespace, table, run)
          const counts = counters === 'first' ? all.slice(0, 1) : all
          if (counts.includes(0))
            throw ineffective(`a rule of ${table.name} in ${namespace} has met no packet`)
        }
      }
    },
    undo: ruleSets.map(({ namespace, tables }): UndoStep => ({
      kind: 'command',
      argv: [...nftIn(namespace)],
      input: tables.map(deletion).join(''),
    })),
  }
}

/** Packets that the rules of a table have met, in the order of the rules. Throws if the table is not there. */
export async function countersOf(
  namespace: string,
  { family, name }: Pick<Table, 'family' | 'name'>,
  run: Run,
): Promise<readonly number[]> {
  const { stdout } = await run(inNamespace(namespace, ['nft', 'list', 'table', family, name]))
  return [...stdout.matchAll(/counter packets (\d+)/g)].map((match) => Number(match[1]))
}

/** True if the packet was not answered within some milliseconds; by the address of the far end, over this link only. */
export async function sendTest({ from, to }: Omit<TestPacket, 'lost'>, run: Run): Promise<boolean> {
  const ping = ['ping', '-q', '-n', '-c', '2', '-i', '0.01', '-W', '0.02', '-I', from.interface, to.ipv4]
  const { exitCode } = await run(inNamespace(from.namespace, ping), { allowFailure: true })
  return exitCode !== 0
}

function rulesText({ tables }: RuleSet): string {
  return tables
    .map(
      (table) => `${deletion(table)}table ${table.family} ${table.name} {\n${table.chains.join('\n')}\n}\n`,
    )
    .join('')
}

/** `add` before `delete` makes it repeatable: deleting what is not there is an error. */
function deletion({ family, name }: Table): string {
  return `add table ${family} ${name}\ndelete table ${family} ${name}\n`
}

function nftIn(namespace: string): readonly string[] {
  return inNamespace(namespace, ['nft', '-f', '-'])
}
