// One end of a link in a namespace of its own: tells its events on stdout, a line of JSON each. Run by faults.ts.
import { silentLog } from '@x0t/core'
import { openDataPlane } from '../../src/index.ts'
import { addressOf, hopKeyOf, labelOf, linkIdOf } from '../support/fake-mesh.ts'

const [self, other, host, interval, misses] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
]
const plane = await openDataPlane({
  selfLabel: labelOf(self),
  selfAddress: addressOf(self),
  udp: { port: 7700 },
  probe: {
    interval: interval === 'auto' ? interval : Number(interval),
    misses: Number(misses),
  },
  log: silentLog,
})
plane.onEvent((event) => console.log(JSON.stringify(event)))
plane.setNeighbour({
  id: other,
  localLinkId: linkIdOf(other, self),
  remoteLinkId: linkIdOf(self, other),
  endpoint: { host, port: 7700 },
  sendKey: hopKeyOf(self, other),
  receiveKey: hopKeyOf(other, self),
  carrier: 'udp',
})
const keepAlive = setInterval(() => {}, 1 << 30)
process.once('SIGTERM', () => {
  clearInterval(keepAlive)
  void plane[Symbol.asyncDispose]()
})
