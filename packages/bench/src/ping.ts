import { X0tError } from '@x0t/core'
import type { Lab } from './lab.ts'

/** Round trips of one ping run. */
export interface PingRun {
  readonly rttsMs: readonly number[]
  readonly sent: number
}

/** Reads what `ping -n` prints, line by line; duplicates count once. */
export function parsePing(text: string): PingRun {
  const rtts = new Map<string, number>()
  for (const match of text.matchAll(/icmp_seq=(\d+).*? time=([\d.]+) ms(?! \(DUP!\))/g)) {
    rtts.set(match[1]!, Number(match[2]))
  }
  const sent = /(\d+) packets transmitted/.exec(text)
  if (sent === null) {
    throw new X0tError('BENCH_MEASUREMENT_FAILED', `ping printed no summary: ${text.trim().slice(-200)}`)
  }
  return { rttsMs: [...rtts.values()], sent: Number(sent[1]) }
}

/** Pings `target` from the first host of the lab, `count` times, one every 10 ms. */
export async function ping(lab: Lab, target: string, count: number): Promise<PingRun> {
  const argv = ['ping', '-n', '-i', '0.01', '-c', String(count), '-W', '1', target]
  const { stdout, stderr } = await lab.run(lab.first, argv, {
    allowFailure: true,
    timeoutMs: count * 20 + 10_000,
  })
  return parsePing(`${stdout}\n${stderr}`)
}

/** True if one ping comes back within half a second. */
export async function answers(lab: Lab, target: string): Promise<boolean> {
  const argv = ['ping', '-n', '-c', '1', '-W', '0.5', target]
  return (await lab.run(lab.first, argv, { allowFailure: true })).exitCode === 0
}
