import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { registerAttach } from './attach.ts'
import { registerBench } from './bench.ts'
import { registerDetach } from './detach.ts'
import { registerDoctor } from './doctor.ts'
import { registerDump } from './dump.ts'
import { registerList } from './list.ts'
import { registerLoad } from './load.ts'
import { registerShow } from './show.ts'
import { registerSign } from './sign.ts'
import { registerStats } from './stats.ts'
import { registerTest } from './test.ts'
import { registerUnload } from './unload.ts'
import { registerUp } from './up.ts'
import { registerVerify } from './verify.ts'
import { registerWatch } from './watch.ts'

/** `x0t bpf …`: programs in the kernel. Pins and ids are the only state, so each command can be another process. */
export function registerBpf(program: Command, context: CommandContext): void {
  const bpf = program.command('bpf').description('eBPF programs in the kernel: load, attach, look at, test')
  registerDoctor(bpf, context)
  registerLoad(bpf, context)
  registerAttach(bpf, context)
  registerDetach(bpf, context)
  registerUnload(bpf, context)
  registerUp(bpf, context)
  registerList(bpf, context)
  registerShow(bpf, context)
  registerDump(bpf, context)
  registerStats(bpf, context)
  registerWatch(bpf, context)
  registerVerify(bpf, context)
  registerTest(bpf, context)
  registerBench(bpf, context)
  registerSign(bpf, context)
}
