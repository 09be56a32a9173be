// A program, run by node on the source: sends data datagrams at the rates that it is told, a line of JSON each.
import { createInterface } from 'node:readline'
import { openNativeBackend, readProgram } from '@x0t/bpf'
import {
  burstFor,
  generatorState,
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
/** Runs of the program in the first call of a stretch; those that are early take nanoseconds. */
const firstBurst = 20_000
/** Every call costs the kernel milliseconds before and after its runs, in which nothing is sent, so calls are long. */
const callMs = 250
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6
/** @returns how long the call took, ms */
const send = (count: number): number => {
  const fromMs = nowMs()
  program.sendLive(frame, { count, ifindex: job.ifindex })
  return nowMs() - fromMs
}
// One frame at most: what these take is the cost of a call.
state.setRate(1000)
send(1)
const costMs = Math.min(...Array.from({ length: 5 }, () => send(1)))

process.stdout.write('{}\n')
for await (const line of createInterface({ input: process.stdin })) {
  const { ratePerSecond, ms } = JSON.parse(line) as GeneratorOrder
  state.setRate(ratePerSecond)
  const burst = burstFor({ runs: firstBurst, tookMs: send(firstBurst), costMs, callMs })
  const before = state.packets()
  const fromMs = nowMs()
  for (let left = ms; left > 0; left = ms - (nowMs() - fromMs))
    send(Math.ceil(burst * Math.min(1, left / callMs)))
  const reply: GeneratorReply = { packets: state.packets() - before, ms: nowMs() - fromMs }
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}
