import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { hasCode, messageOf, X0tError } from '@x0t/core'
import { helperMark, startHelper } from './fault-helper.ts'
import { ineffective, type FaultPorts, type FaultSteps } from './fault-steps.ts'
import type { UndoStep } from './manifest.ts'
import type { LinkEnd, PlannedLink } from './network-plan.ts'
import { chainAt, nftFault, type RuleSet } from './nft-fault.ts'
import { inNamespace, namespacePath } from './run-command.ts'

/** Mark of packets that have waited: the rules let them pass. */
const waitedMark = 0x78307464

/** How long the program of the delay line may take to come up on a busy machine. */
const startWithinMs = 10_000

/**
 * Each packet waits `latencyMs` ± `jitterMs`, in each direction. netem does it where the kernel has it; elsewhere a
 * program of our own, to which rules forward what leaves each end.
 */
export function latency(link: PlannedLink, latencyMs: number, jitterMs: number): FaultSteps {
  const ends = [link.a, link.b]
  const mark = helperMark()
  const rules = nftFault(ends.map(forwardRules), [])
  return {
    async inject(ports) {
      if (await startNetem(ends, latencyMs, jitterMs, ports)) return
      await startDelayLine(ends, mark, [latencyMs, jitterMs], ports)
      await rules.inject(ports)
    },
    verify: (ports) => measure(link, latencyMs - jitterMs, ports),
    undo: [
      ...rules.undo,
      // What waits in the delay line still arrives.
      { kind: 'end-helper', namespace: link.a.namespace, mark, graceMs: latencyMs + jitterMs + 1000 },
      // Only netem is removed, and where there is none, nothing.
      ...ends.map((end): UndoStep => ({
        kind: 'command',
        argv: tc(end, ['delete', 'dev', end.interface, 'root', 'netem']),
        mayFail: true,
      })),
    ],
  }
}

const tapOf = ({ index }: LinkEnd): string => `x0tdelay${index}`

function forwardRules(end: LinkEnd): RuleSet {
  const rule = `meta mark ${waitedMark} accept;\n counter fwd to "${tapOf(end)}"`
  return {
    namespace: end.namespace,
    tables: [
      {
        family: 'netdev',
        name: `x0t_latency_${end.index}`,
        chains: [chainAt(end, 'egress', -300, rule)],
      },
    ],
  }
}

/** False where the kernel has no netem. */
async function startNetem(
  ends: readonly LinkEnd[],
  latencyMs: number,
  jitterMs: number,
  { run }: FaultPorts,
): Promise<boolean> {
  const limit = ['limit', '100000']
  const times = [`${latencyMs}ms`, ...(jitterMs === 0 ? [] : [`${jitterMs}ms`])]
  for (const end of ends) {
    try {
      await run(tc(end, ['replace', 'dev', end.interface, 'root', 'netem', ...limit, 'delay', ...times]))
    } catch (error) {
      if (hasCode(error, 'TESTBED_COMMAND_FAILED') && /qdisc kind is unknown/i.test(messageOf(error)))
        return false
      throw error
    }
  }
  return true
}

async function startDelayLine(
  ends: readonly LinkEnd[],
  mark: string,
  times: readonly [latencyMs: number, jitterMs: number],
  ports: FaultPorts,
): Promise<void> {
  const { run, clock } = ports
  const program = fileURLToPath(new URL('./delay-line/program.ts', import.meta.url))
  const words = ends.flatMap((end) => [namespacePath(end.namespace), tapOf(end), String(end.index)])
  const argv = [process.execPath, '--disable-warning=ExperimentalWarning', program, mark]
  await startHelper(
    ends[0]!.namespace,
    mark,
    [...argv, ...times.map(String), String(waitedMark), ...words],
    ports,
  )
  const untilMs = clock.monotonicMs() + startWithinMs
  for (const end of ends) {
    const show = ['ip', '-n', end.namespace, 'link', 'show', tapOf(end)]
    while ((await run(show, { allowFailure: true })).exitCode !== 0) {
      if (clock.monotonicMs() >= untilMs)
        throw new X0tError('TESTBED_NO_NETEM', 'this kernel has neither netem nor TAP devices', {
          hint: 'a kernel with CONFIG_NET_SCH_NETEM or CONFIG_TUN; modprobe where it is a module',
        })
      await delay(10)
    }
    // Of itself a new interface sends router solicitations, which would go over the link.
    await run(
      inNamespace(end.namespace, ['sysctl', '-q', '-w', `net.ipv6.conf.${tapOf(end)}.disable_ipv6=1`]),
    )
    await run(['ip', '-n', end.namespace, 'link', 'set', tapOf(end), 'txqueuelen', '10000', 'up'])
  }
}

/** A ping there and back waits twice. */
async function measure({ a, b }: PlannedLink, leastMs: number, { run }: FaultPorts): Promise<void> {
  const waitSeconds = String(5 + (4 * leastMs) / 1000)
  const ping = ['ping', '-n', '-c', '1', '-W', waitSeconds, '-I', a.interface, b.ipv4]
  const { stdout } = await run(inNamespace(a.namespace, ping), { allowFailure: true })
  const rttMs = Number(/time=([\d.]+) ms/.exec(stdout)?.[1] ?? NaN)
  if (!(rttMs >= 2 * leastMs)) throw ineffective(`a ping from ${a.host} to ${b.host} took ${rttMs} ms`)
}

function tc(end: LinkEnd, words: readonly string[]): string[] {
  return [...inNamespace(end.namespace, ['tc', 'qdisc', ...words])]
}
