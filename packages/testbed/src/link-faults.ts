import { X0tError } from '@x0t/core'
import type { FaultAction } from './fault-spec.ts'
import type { UndoStep } from './manifest.ts'
import { routeCommands } from './network.ts'
import type { LinkEnd, NetworkPlan, PlannedLink } from './network-plan.ts'
import { inNamespace, type CommandOptions, type Run } from './run-command.ts'

/** How to inject a fault of a link, how to see that it is there, and how to undo it. */
export interface LinkFault {
  readonly inject: readonly Command[]
  /** Throws X0tError TESTBED_FAULT_INEFFECTIVE if the fault is not to be seen. */
  verify(run: Run): Promise<void>
  readonly undo: readonly UndoStep[]
}

interface Command extends Pick<CommandOptions, 'input'> {
  readonly argv: readonly string[]
}

/** Random numbers of nft are drawn from 0 to this, so loss has steps of a millionth. */
const lossSteps = 1_000_000

/** Features that let one buffer stand for many packets; while packets are to be lost one by one they are off. */
const offloads = {
  'tcp-segmentation-offload': 'tso',
  'generic-segmentation-offload': 'gso',
  'generic-receive-offload': 'gro',
  'tx-udp-segmentation': 'tx-udp-segmentation',
} as const

/** The steps of a link fault; reads the present settings that its undo must put back. */
export async function planLinkFault(
  plan: NetworkPlan,
  link: PlannedLink,
  { kind, value }: FaultAction,
  run: Run,
): Promise<LinkFault> {
  switch (kind) {
    case 'down':
      return linkDown(plan, link)
    case 'blackhole':
      return nftFault('x0t_blackhole', [link.a], (end) => [
        `chain from { type filter hook ingress device "${end.interface}" priority -500; counter drop; }`,
        `chain to { type filter hook egress device "${end.interface}" priority -500; counter drop; }`,
      ])
    case 'loss': {
      const limit = Math.round((value ?? 0) * lossSteps)
      const both = [link.a, link.b]
      const fault = nftFault('x0t_loss', both, (end) => [
        `chain from { type filter hook ingress device "${end.interface}" priority -400; ` +
          `counter numgen random mod ${lossSteps} < ${limit} counter drop; }`,
      ])
      const before = await Promise.all(both.map((end) => offloadsOn(end, run)))
      const off = both.map((end) =>
        ethtool(
          end,
          Object.values(offloads).flatMap((name) => [name, 'off']),
        ),
      )
      const on = both.flatMap((end, at) =>
        before[at]!.length === 0
          ? []
          : [
              ethtool(
                end,
                before[at]!.flatMap((name) => [name, 'on']),
              ),
            ],
      )
      return {
        ...fault,
        inject: [...off, ...fault.inject],
        undo: [...fault.undo, ...on.map(({ argv }): UndoStep => ({ kind: 'command', argv: [...argv] }))],
      }
    }
    case 'latency':
      return netemDelay(link, value ?? 0)
    default:
      throw new TypeError(`${kind} is no fault of a link`)
  }
}

/** Turns the offloads of both ends off, so that every packet on the link is a packet of its own. */
export async function disableOffloads(link: PlannedLink, run: Run): Promise<void> {
  const words = Object.values(offloads).flatMap((name) => [name, 'off'])
  for (const end of [link.a, link.b]) await run(ethtool(end, words).argv)
}

/** Packets seen and dropped by the loss fault of a link, both directions together, from the kernel's counters. */
export async function lossCounters(
  link: PlannedLink,
  run: Run,
): Promise<{ readonly seen: number; readonly dropped: number }> {
  let [seen, dropped] = [0, 0]
  for (const end of [link.a, link.b]) {
    const { stdout } = await run(
      inNamespace(end.namespace, ['nft', 'list', 'table', 'netdev', tableOf('x0t_loss', end)]),
    )
    const counts = [...stdout.matchAll(/counter packets (\d+)/g)].map((match) => Number(match[1]))
    seen += counts[0] ?? 0
    dropped += counts[1] ?? 0
  }
  return { seen, dropped }
}

function linkDown(plan: NetworkPlan, { a, b }: PlannedLink): LinkFault {
  const up = { argv: ['ip', '-n', a.namespace, 'link', 'set', a.interface, 'up'] }
  return {
    inject: [{ argv: ['ip', '-n', a.namespace, 'link', 'set', a.interface, 'down'] }],
    async verify(run) {
      const { stdout } = await run(['ip', '-n', b.namespace, '-o', 'link', 'show', b.interface])
      if (!stdout.includes('NO-CARRIER'))
        throw ineffective(`${b.namespace} still sees a carrier on ${b.interface}`)
    },
    // The kernel dropped the routes through the interface when it went down.
    undo: [up, ...(plan.forward ? routeCommands(plan, a.host) : [])].map((step): UndoStep => ({
      ...step,
      kind: 'command',
      argv: [...step.argv],
    })),
  }
}

function nftFault(
  name: string,
  ends: readonly LinkEnd[],
  chains: (end: LinkEnd) => readonly string[],
): LinkFault {
  const nft = (end: LinkEnd): string[] => [...inNamespace(end.namespace, ['nft', '-f', '-'])]
  return {
    // One file is one transaction: both directions die at once. `add, delete` makes it repeatable.
    inject: ends.map((end) => ({
      argv: nft(end),
      input: `${deleteTable(name, end)}table netdev ${tableOf(name, end)} {\n${chains(end).join('\n')}\n}\n`,
    })),
    async verify(run) {
      for (const end of ends) {
        const { stdout } = await run(
          inNamespace(end.namespace, ['nft', 'list', 'table', 'netdev', tableOf(name, end)]),
        )
        if (!stdout.includes('drop'))
          throw ineffective(`${end.namespace} has no rule that drops on ${end.interface}`)
      }
    },
    undo: ends.map((end): UndoStep => ({ kind: 'command', argv: nft(end), input: deleteTable(name, end) })),
  }
}

function netemDelay(link: PlannedLink, ms: number): LinkFault {
  const ends = [link.a, link.b]
  const tc = (end: LinkEnd, words: readonly string[]): string[] => [
    ...inNamespace(end.namespace, [
      'tc',
      'qdisc',
      ...words.map((word) => (word === 'DEV' ? end.interface : word)),
    ]),
  ]
  return {
    inject: ends.map((end) => ({
      argv: tc(end, ['replace', 'dev', 'DEV', 'root', 'netem', 'delay', `${ms}ms`]),
    })),
    async verify(run) {
      for (const end of ends) {
        const { stdout } = await run(tc(end, ['show', 'dev', 'DEV']))
        if (!stdout.includes('netem')) throw ineffective(`${end.namespace} has no netem on ${end.interface}`)
      }
    },
    // `replace … noqueue` puts back what a veth has by itself, whether netem is there or not.
    undo: ends.map((end): UndoStep => ({
      kind: 'command',
      argv: tc(end, ['replace', 'dev', 'DEV', 'root', 'noqueue']),
    })),
  }
}

function tableOf(name: string, end: LinkEnd): string {
  return `${name}_${end.index}`
}

function deleteTable(name: string, end: LinkEnd): string {
  const table = `netdev ${tableOf(name, end)}`
  return `add table ${table}\ndelete table ${table}\n`
}

function ethtool(end: LinkEnd, words: readonly string[]): { readonly argv: readonly string[] } {
  return { argv: inNamespace(end.namespace, ['ethtool', '-K', end.interface, ...words]) }
}

async function offloadsOn(end: LinkEnd, run: Run): Promise<readonly string[]> {
  const { stdout } = await run(inNamespace(end.namespace, ['ethtool', '-k', end.interface]))
  return Object.entries(offloads).flatMap(([feature, name]) =>
    new RegExp(`^\\s*${feature}: on(?! \\[fixed\\])`, 'm').test(stdout) ? [name] : [],
  )
}

function ineffective(found: string): X0tError {
  return new X0tError('TESTBED_FAULT_INEFFECTIVE', `the fault is not to be seen: ${found}`)
}
