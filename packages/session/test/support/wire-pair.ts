import { Duplex } from 'node:stream'

/** Two ends of a connection in memory. */
export function wirePair(): [Duplex, Duplex] {
  const ends: [Duplex, Duplex] = [end(1), end(0)]
  function end(other: 0 | 1): Duplex {
    return new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        ends[other].push(chunk)
        done()
      },
      final(done) {
        ends[other].push(null)
        done()
      },
    })
  }
  return ends
}
