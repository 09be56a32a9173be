/** Packets that wait for their session: few, since they are answered within milliseconds or not at all. */
export interface WaitingPackets {
  /** Copies a packet; false if there is no room. */
  add(peer: number, bytes: Uint8Array, at: number, length: number): boolean
  /** The peer's packets, oldest first; they wait no more. */
  take(peer: number): readonly Uint8Array[]
}

const maxBytesPerPeer = 131_072
const maxPackets = 256

export function createWaitingPackets(): WaitingPackets {
  const queues = new Map<number, Uint8Array[]>()
  let total = 0
  return {
    add(peer, bytes, at, length) {
      const queue = queues.get(peer) ?? []
      const waitingBytes = queue.reduce((sum, packet) => sum + packet.length, 0)
      if (total >= maxPackets || waitingBytes + length > maxBytesPerPeer) return false
      queue.push(bytes.slice(at, at + length))
      queues.set(peer, queue)
      total++
      return true
    },
    take(peer) {
      const queue = queues.get(peer) ?? []
      queues.delete(peer)
      total -= queue.length
      return queue
    },
  }
}
