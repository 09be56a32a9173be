import t from 'tap'
import { interfaceWith, parseReceivedBytes } from '../src/bpf-overhead/received-bytes.ts'

const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     840      10    0    0    0     0          0         0      840      10    0    0    0     0       0          0
  to-b:20000000001 12345  0    0    0     0          0         0     1926      29    0    0    0     0       0          0
 to-b2:7 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0
`

t.test('bytes are those that the interface of exactly this name received', async (t) => {
  t.equal(parseReceivedBytes(text, 'to-b'), 20_000_000_001)
  t.equal(parseReceivedBytes(text, 'to-b2'), 7)
  t.throws(() => parseReceivedBytes(text, 'to'), /no interface to in/)
})

t.test('the interface is the one that has the address', async (t) => {
  const interfaces = {
    lo: [{ address: '127.0.0.1' }, { address: '::1' }],
    'to-b': [{ address: '10.0.0.2' }, { address: 'fd00::2' }],
    down: undefined,
  }
  t.equal(interfaceWith('fd00::2', interfaces), 'to-b')
  t.equal(interfaceWith('127.0.0.1', interfaces), 'lo')
  t.throws(() => interfaceWith('10.0.0.3', interfaces), /no interface has the address 10.0.0.3/)
})
