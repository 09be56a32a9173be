/** What the programs of the stream write while they run, and how it is read. Little endian, fixed records. */

/**
 * Bytes of a datagram of the stream: u32 key of the stream, u32 sequence number, zeros. More than probes and hellos of
 * any system take, so that the traffic can be told from them.
 */
export const payloadBytes = 512

/** One record of the sender: the instant at which it sent, ms; NaN for a number that was passed over. */
export const sendRecordBytes = 8

/** One record of the receiver: u32 sequence number, u32 stall in µs, f64 arrival in ms. */
export const arrivalRecordBytes = 16

/** In place of a sequence number: the receiver was not scheduled for so long. */
export const stallMark = 0xffff_ffff

export interface Arrival {
  readonly sequence: number
  /** CLOCK_MONOTONIC, ms. */
  readonly atMs: number
}

/** A span in which a program of the stream did not run although it had work. */
export interface Stall {
  readonly fromMs: number
  readonly ms: number
}

/** What was sent when and what arrived when; instants are CLOCK_MONOTONIC, ms. */
export interface StreamLog {
  readonly intervalMs: number
  /** By sequence number; NaN where the sender was late and passed a number over. */
  readonly sentMs: Float64Array
  /** In the order of arrival. */
  readonly arrivals: readonly Arrival[]
  readonly receiverStalls: readonly Stall[]
}

/** Instants in the log of the sender, by sequence number; a record that is not complete yet is left out. */
export function decodeSendLog(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = Math.floor(bytes.length / sendRecordBytes)
  return Float64Array.from({ length: count }, (_, at) => view.getFloat64(at * sendRecordBytes, true))
}

/** Arrivals and stalls in the log of the receiver. */
export function decodeArrivalLog(bytes: Uint8Array): Pick<StreamLog, 'arrivals' | 'receiverStalls'> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const arrivals: Arrival[] = []
  const receiverStalls: Stall[] = []
  for (let at = 0; at + arrivalRecordBytes <= bytes.length; at += arrivalRecordBytes) {
    const sequence = view.getUint32(at, true)
    const atMs = view.getFloat64(at + 8, true)
    if (sequence !== stallMark) arrivals.push({ sequence, atMs })
    else {
      const ms = view.getUint32(at + 4, true) / 1000
      receiverStalls.push({ fromMs: atMs - ms, ms })
    }
  }
  return { arrivals, receiverStalls }
}
