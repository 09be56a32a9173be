// A program, run by node on the destination: counts and drops data datagrams as they come in, and answers each line with
// how many there were.
import { createInterface } from 'node:readline'
import { openNativeBackend, readProgram } from '@x0t/bpf'

/** struct fault_injector of bpf/fault.h: mode, match, and packets dropped. */
const [modeAt, matchAt, droppedAt] = [0, 4, 72]
const [dropAll, matchForwarded] = [1, 2]

const [device = ''] = process.argv.slice(2)
using loaded = await openNativeBackend().load(await readProgram('fault'), { programs: ['x0t_fault_xdp'] })
const [refusal] = loaded.refusals
if (refusal !== undefined) throw new Error(`${refusal.program}: ${refusal.message}`)
const view = new DataView(loaded.maps.get('fault_injectors')!.memory())
view.setUint32(matchAt, matchForwarded, true)
view.setUint32(modeAt, dropAll, true)
using link = loaded.programs.get('x0t_fault_xdp')!.attach({ kind: 'xdp', interface: device })
void link
process.stdout.write('{}\n')
for await (const line of createInterface({ input: process.stdin })) {
  void line
  process.stdout.write(`${JSON.stringify({ packets: Number(view.getBigUint64(droppedAt, true)) })}\n`)
}
