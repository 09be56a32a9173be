import { field, hopHeaderBytes } from './datagram.ts'

/**
 * What a probe says: the 16 bytes after the hop header, and the 8 bytes of the label, which probes have no other use
 * for; the hop tag covers both. Times are microseconds modulo 2^32 of the sender's clock.
 */
export interface Probe {
  readonly sentUs: number
  /** The last probe that its sender received, and how long ago it had arrived; 0 and 0 if none. */
  readonly echoSentUs: number
  readonly echoDwellUs: number
  /** Its sender promises to send no slower than this. */
  readonly intervalMs: number
  readonly misses: number
  /** Its sender hears the other side. */
  readonly hears: boolean
  /** Share of datagrams that its sender finds lost on the way to it, 0 to 1; undefined where too few came to tell. */
  readonly lossRatio: number | undefined
  /** Path-MTU probes sent over this link so far, modulo 2^32: one that does not arrive is no loss. */
  readonly mtuProbes: number
  /** Shortest interval that its sender wants on this link; both sides keep to the longer of the two wishes. */
  readonly wantedMs: number
}

const unknownLoss = 127

/** 7 bits: the square root in steps of 1/126, so that small losses are told apart best; 127 for unknown. */
export function encodeLoss(lossRatio: number | undefined): number {
  return lossRatio === undefined
    ? unknownLoss
    : Math.round(Math.sqrt(Math.min(1, Math.max(0, lossRatio))) * 126)
}

export function decodeLoss(code: number): number | undefined {
  return code === unknownLoss ? undefined : (code / 126) ** 2
}

/** Words of the label, to be written with the hop header. */
export function probeLabel({ mtuProbes, wantedMs }: Probe): readonly [high: number, low: number] {
  return [mtuProbes >>> 0, clipMs(wantedMs) * 0x1_0000]
}

/** Writes the body of the datagram at `at`. */
export function writeProbe(view: DataView, at: number, probe: Probe): void {
  const body = at + hopHeaderBytes
  view.setUint32(body, probe.sentUs)
  view.setUint32(body + 4, probe.echoSentUs)
  view.setUint32(body + 8, probe.echoDwellUs)
  view.setUint16(body + 12, clipMs(probe.intervalMs))
  view.setUint8(body + 14, Math.min(255, probe.misses))
  view.setUint8(body + 15, (encodeLoss(probe.lossRatio) << 1) | (probe.hears ? 1 : 0))
}

/** Any 48 bytes are some probe; what it says is to be limited by who believes it. */
export function readProbe(view: DataView, at: number): Probe {
  const body = at + hopHeaderBytes
  const last = view.getUint8(body + 15)
  return {
    sentUs: view.getUint32(body),
    echoSentUs: view.getUint32(body + 4),
    echoDwellUs: view.getUint32(body + 8),
    intervalMs: view.getUint16(body + 12),
    misses: view.getUint8(body + 14),
    hears: (last & 1) === 1,
    lossRatio: decodeLoss(last >>> 1),
    mtuProbes: view.getUint32(at + field.label),
    wantedMs: view.getUint16(at + field.label + 4),
  }
}

function clipMs(ms: number): number {
  return Math.min(65_535, Math.max(1, Math.round(ms)))
}
