import type { Clock } from '@x0t/core'
import type { Reading } from '@x0t/mape-k'
import type { HostProbes } from './ports.ts'

export interface HostSensorsOptions {
  readonly probes: HostProbes
  readonly certificate: () => { readonly notBeforeMs: number; readonly notAfterMs: number }
  readonly clock: Clock
  readonly read: (reading: Reading) => void
}

/** Sensors of this machine and process, looked at from time to time; failures of writes are told at once. */
export interface HostSensors {
  look(): Promise<void>
  /** The certificate alone: it has been renewed. */
  lookAtCertificate(): void
  /** This process stood still, as its data plane noticed. */
  stalled(forMs: number): void
  /** Something could not be written. */
  writeFailed(reason: string): void
}

export function createHostSensors({ probes, certificate, clock, read }: HostSensorsOptions): HostSensors {
  let offsetMs = clock.wallMs() - clock.monotonicMs()
  let longestStallMs = 0
  let isWriteFailing = false

  const lookAtClock = (): void => {
    const nowMs = clock.wallMs() - clock.monotonicMs()
    const jumpMs = nowMs - offsetMs
    offsetMs = nowMs
    const direction = jumpMs < 0 ? 'back' : 'forward'
    read({ sensor: 'clock-jump', subject: 'clock', value: Math.abs(jumpMs), detail: { direction } })
  }
  const lookAtCertificate = (): void => {
    const { notBeforeMs, notAfterMs } = certificate()
    const value = (100 * (notAfterMs - clock.wallMs())) / Math.max(1, notAfterMs - notBeforeMs)
    read({ sensor: 'certificate-left', subject: 'certificate', value, detail: { notAfterMs } })
  }
  return {
    async look() {
      lookAtClock()
      lookAtCertificate()
      read({ sensor: 'cpu', subject: 'host', value: probes.cpuPercent() })
      read({ sensor: 'memory', subject: 'host', value: probes.memoryPercent() })
      const stallMs = probes.stallMs()
      const value =
        stallMs === undefined && longestStallMs === 0 ? undefined : Math.max(stallMs ?? 0, longestStallMs)
      read({ sensor: 'stall', subject: 'host', value })
      longestStallMs = 0
      read({ sensor: 'disk-free', subject: 'disk', value: await probes.diskFreeMib() })
      if (!isWriteFailing) return
      const reason = await probes.tryToWrite()
      isWriteFailing = reason !== undefined
      read({
        sensor: 'write-failed',
        subject: 'disk',
        value: isWriteFailing ? 1 : 0,
        ...(reason === undefined ? {} : { detail: { reason } }),
      })
    },
    lookAtCertificate,
    stalled(forMs) {
      longestStallMs = Math.max(longestStallMs, forMs)
      read({ sensor: 'stall', subject: 'host', value: forMs })
    },
    writeFailed(reason) {
      isWriteFailing = true
      read({ sensor: 'write-failed', subject: 'disk', value: 1, detail: { reason } })
    },
  }
}
