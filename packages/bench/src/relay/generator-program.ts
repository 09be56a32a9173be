// A program, run by node on the source: sends data datagrams at the rates that it is told, a line of JSON each.
import { createInterface } from 'node:readline'
import { openNativeBackend, readProgram } from '@x0t/bpf'
import {
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
/** Runs of the program between two looks at the clock; it returns early ones within nanoseconds. */
const burst = 20_000
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6

process.stdout.write('{}\n')
for await (const line of createInterface({ input: process.stdin })) {
  const { ratePerSecond, ms } = JSON.parse(line) as GeneratorOrder
  const before = state.packets()
  const fromMs = nowMs()
  state.setRate(ratePerSecond)
  while (nowMs() - fromMs < ms) program.sendLive(frame, { count: burst, ifindex: job.ifindex })
  const reply: GeneratorReply = { packets: state.packets() - before, ms: nowMs() - fromMs }
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}
