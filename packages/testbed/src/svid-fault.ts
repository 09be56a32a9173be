import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import { z } from 'zod'
import type { Bed } from './bed.ts'
import { signalProcess } from './end-processes.ts'
import { ineffective, type FaultSteps } from './fault-steps.ts'
import { plannedHost } from './network-plan.ts'
import { inNamespace } from './run-command.ts'

/** Longest life of a certificate for which waiting until its end makes sense. */
const longestLifeMs = 5 * 60_000
const statusSchema = z.object({ svidNotAfterMs: z.number() })

/**
 * The certificate of a host ends, since the authority that would renew it (the first host) is frozen meanwhile; the
 * connections that the host has were made while it was valid. Takes as long as the certificate still lives.
 * @throws X0tError TESTBED_FAULT_UNPREPARED if certificates live longer than five minutes, or the host is the authority
 */
export function svidExpiry(bed: Bed, host: string): FaultSteps {
  const { runner } = bed.manifest
  const authority = bed.plan.hosts[0]!.name
  if (runner.kind !== 'x0t') throw unprepared(`${host} is no x0t node`)
  if (host === authority) throw unprepared(`${host} is the authority and renews itself`)
  const command = [
    ...runner.command,
    'node',
    'status',
    '--json',
    '--home',
    `${bed.folder.hostFolder(host)}/home`,
  ]
  const endMs = async (): Promise<number> => {
    const { stdout } = await bed.run(inNamespace(plannedHost(bed.plan, host).namespace, command))
    return statusSchema.parse(JSON.parse(stdout)).svidNotAfterMs
  }
  return {
    async inject({ clock }) {
      const leftMs = (await endMs()) - clock.wallMs()
      if (leftMs > longestLifeMs)
        throw unprepared(
          `the certificate of ${host} lives for another ${Math.round(leftMs / 60_000)} minutes`,
        )
      const program = await bed.folder.process(authority)
      if (program === undefined || !(await signalProcess(program, 'SIGSTOP', { group: true })))
        throw ineffective(`the authority, ${authority}, does not run`)
      // What was under way to it may still have been answered: the end that counts is read after it stopped.
      await delay(200)
      await delay(Math.max(0, (await endMs()) - clock.wallMs()) + 100, undefined, { signal: bed.signal })
    },
    async verify({ clock }) {
      const lateMs = clock.wallMs() - (await endMs())
      if (lateMs < 0) throw ineffective(`the certificate of ${host} was renewed`)
    },
    undo: [{ kind: 'continue', host: authority }],
  }
}

function unprepared(found: string): X0tError {
  return new X0tError('TESTBED_FAULT_UNPREPARED', found, {
    hint: 'x0t testbed up --set identity.svid_ttl=1m, and a host that is not the first',
  })
}
