import { execFileSync } from 'node:child_process'
import t from 'tap'
import { openNativeBackend, readProgram, xdpFeatures } from '@x0t/bpf'

t.test('a veth sends XDP frames only while its other end takes them', async (t) => {
  execFileSync('ip', ['link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far'])
  for (const name of ['near', 'far']) execFileSync('ip', ['link', 'set', name, 'up'])
  t.strictSame(xdpFeatures('near'), { native: true, transmits: false })
  execFileSync('ethtool', ['-K', 'far', 'gro', 'on'])
  t.strictSame(xdpFeatures('near'), { native: true, transmits: true })
  execFileSync('ethtool', ['-K', 'far', 'gro', 'off'])
  using object = await openNativeBackend().load(await readProgram('fastpath'), { programs: ['x0t_pass'] })
  const link = object.programs.get('x0t_pass')!.attach({ kind: 'xdp', interface: 'far', mode: 'native' })
  t.strictSame(xdpFeatures('near'), { native: true, transmits: true })
  t.strictSame(xdpFeatures('far'), { native: true, transmits: false })
  link[Symbol.dispose]()
  t.strictSame(xdpFeatures('near'), { native: true, transmits: false })
})

t.test(
  'an interface without a driver for XDP has none of it; one that is not there is an error',
  async (t) => {
    t.strictSame(xdpFeatures('lo'), { native: false, transmits: false })
    t.throws(() => xdpFeatures('nowhere'), { code: 'BPF_INTERFACE_NOT_FOUND' })
  },
)
