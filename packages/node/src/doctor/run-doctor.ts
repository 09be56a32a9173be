import { messageOf } from '@x0t/core'
import type { NodeConfig } from '../config/settings.ts'
import { fail, type Check, type CheckResult } from './check.ts'
import type { HostProbes } from './host-probes.ts'
import { checkFastPath } from './fast-path-check.ts'
import { checkIpv6, checkKernel, checkNetAdmin, checkTunDevice, checkUdpOffload } from './kernel-checks.ts'
import { checkHome, checkPorts, checkService, checkSvid } from './node-checks.ts'
import { checkClock, checkDisk, checkFfi, checkMemory, checkOpenssl } from './runtime-checks.ts'

/** Every check by its name, in the order of the report. */
export const checks: Readonly<Record<string, Check>> = {
  kernel: checkKernel,
  'tun-device': checkTunDevice,
  'net-admin': checkNetAdmin,
  'udp-offload': checkUdpOffload,
  ipv6: checkIpv6,
  'fast-path': checkFastPath,
  'node-ffi': checkFfi,
  openssl: checkOpenssl,
  clock: checkClock,
  memory: checkMemory,
  disk: checkDisk,
  home: checkHome,
  ports: checkPorts,
  svid: checkSvid,
  service: checkService,
}

/** Looks whether a node can work on this machine; changes nothing. A check that breaks down counts as failed. */
export async function runDoctor(options: {
  readonly home: string
  readonly config: NodeConfig
  readonly probes: HostProbes
}): Promise<readonly CheckResult[]> {
  const running = await options.probes.socketAnswers(options.config.api.socket)
  const results: CheckResult[] = []
  for (const [check, run] of Object.entries(checks)) {
    const outcome = await run({ ...options, running }).catch((error: unknown) =>
      fail(`the check broke down: ${messageOf(error)}`, 'please report this'),
    )
    results.push({ check, ...outcome })
  }
  return results
}
