import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { registerBpf } from './bpf.ts'
import { registerCalm } from './calm.ts'
import { registerBaseline } from './baseline.ts'
import { registerCrypto } from './crypto.ts'
import { registerDao } from './dao.ts'
import { registerMetrics } from './metrics.ts'
import { registerMttr } from './mttr.ts'
import { registerRelay } from './relay.ts'
import { registerScale } from './scale.ts'
import { registerSoak } from './soak.ts'
import { registerTakeover } from './takeover.ts'
import { registerThroughput } from './throughput.ts'

/** `x0t bench …`: measure x0t on this machine, beside other software. */
export function registerBench(program: Command, context: CommandContext): void {
  const bench = program.command('bench').description('measure x0t on this machine, beside other software')
  registerThroughput(bench, context)
  registerCrypto(bench, context)
  registerSoak(bench, context)
  registerScale(bench, context)
  registerMttr(bench, context)
  registerCalm(bench, context)
  registerRelay(bench, context)
  registerTakeover(bench, context)
  registerBpf(bench, context)
  registerDao(bench, context)
  registerMetrics(bench, context)
  registerBaseline(bench, context)
}
