// A program, run by node in the namespace in the middle: attaches the program of the cables and pins what must last.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '@x0t/core'
import { openNativeBackend, readProgram } from '@x0t/bpf'
import { switchPin } from './switch-map.ts'

/** What it is told, on its standard input. */
export interface JoinJob {
  readonly pins: string
  readonly interfaces: readonly string[]
}

/** What joins the two ends of a cable. */
const cableProgram = 'x0t_fault_cable'
/**
 * Passes everything here: with an XDP program a veth takes what its peer, the end of a host, sends by XDP_TX, and the kernel
 * cuts buffers that stand for many packets before they enter the cable.
 */
const receivingProgram = 'x0t_fault_xdp'

try {
  const { pins, interfaces } = JSON.parse(readFileSync(0, 'utf8')) as JoinJob
  const programs = [cableProgram, receivingProgram]
  using loaded = await openNativeBackend().load(await readProgram('fault'), { programs })
  const [refusal] = loaded.refusals
  if (refusal !== undefined) throw new Error(`${refusal.program}: ${refusal.code} ${refusal.message}`)
  loaded.maps.get('fault_switch')!.pin(switchPin(pins))
  for (const name of interfaces) {
    using receiving = loaded.programs.get(receivingProgram)!.attach({ kind: 'xdp', interface: name })
    receiving.pin(join(pins, `${name}-xdp`))
    using link = loaded.programs
      .get(cableProgram)!
      .attach({ kind: 'tcx', interface: name, direction: 'ingress' })
    link.pin(join(pins, name))
  }
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
}
