// A program, run by node on the source: sends data datagrams at the rates that it is told, a line of JSON each.
import { createInterface } from 'node:readline'
import { openNativeBackend, readProgram } from '@x0t/bpf'
import {
  generatorState,
  runsFor,
  type GeneratorJob,
  type GeneratorOrder,
  type GeneratorReply,
} from './generator-state.ts'

const job = JSON.parse(process.argv[2]!) as GeneratorJob
using loaded = await openNativeBackend().load(await readProgram('gendata'))
const [refusal] = loaded.refusals
if (refusal !== undefined) throw new Error(`${refusal.program}: ${refusal.message}`)
const program = loaded.programs.get('x0t_gendata')!
const state = generatorState(loaded.maps.get('x0t_gendata_state')!.memory())
state.setKey(Buffer.from(job.keyHex, 'hex'))
const frame = new Uint8Array(Buffer.from(job.frameHex, 'hex'))
state.setFrame(frame)
/** Runs of the program by which it is found how many fill a stretch; those that are early take nanoseconds. */
const firstBurst = 200_000
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6
/** @returns how long the call took, ms */
const send = (count: number): number => {
  const fromMs = nowMs()
  program.sendLive(frame, { count, ifindex: job.ifindex })
  return nowMs() - fromMs
}
// Two frames at most: what these take is the cost of a call, in which the kernel waits until all processors have seen that
// the program is to run, and again that it is not. A call of one run has no such cost.
state.setRate(1000)
send(2)
const costMs = Math.min(...Array.from({ length: 5 }, () => send(2)))

process.stdout.write('{}\n')
for await (const line of createInterface({ input: process.stdin })) {
  const { ratePerSecond, ms } = JSON.parse(line) as GeneratorOrder
  state.setRate(ratePerSecond)
  const runs = runsFor({ runs: firstBurst, tookMs: send(firstBurst), costMs, wantedMs: ms })
  const before = state.packets()
  state.start()
  // One call, so that nothing interrupts the stretch.
  send(runs)
  const reply: GeneratorReply = { packets: state.packets() - before, ms: state.spanMs() }
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}
