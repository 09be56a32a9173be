import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { kernelEnum } from '@x0t/bpf'
import { loadProgram } from '../support/loaded-program.ts'
import { networkNamespace } from '../support/network.ts'

/** Sends datagrams to a port of this machine where nobody listens. */
async function sendToNobody(count: number): Promise<void> {
  const socket = createSocket('udp4')
  for (let sent = 0; sent < count; sent++) {
    await new Promise<void>((resolve, reject) =>
      socket.send(new Uint8Array(50), 9, '127.0.0.1', (error) =>
        error === null ? resolve() : reject(error),
      ),
    )
  }
  socket.close()
  await once(socket, 'close')
}

t.test('what nobody listens for is dropped, by the name that the kernel has for it', async (t) => {
  using drops = await loadProgram('drops', { globals: { drops_netns: networkNamespace() } })
  drops.attach('x0t_drop', { kind: 'tracepoint' })
  await sendToNobody(7)
  const samples = await drops.metric('x0t_drops_total')
  const nobody = samples.filter(({ labels }) => labels['reason'] === 'no_socket')
  t.same(nobody, [{ labels: { reason: 'no_socket', protocol: 'ipv4' }, value: 7 }])
  const [total] = await drops.metric('x0tta6bl4_ebpf_packet_loss_total')
  t.ok(total !== undefined && 'value' in total && total.value >= 7)
})

t.test('drops of other network namespaces are not counted', async (t) => {
  using drops = await loadProgram('drops', { globals: { drops_netns: 1 } })
  drops.attach('x0t_drop', { kind: 'tracepoint' })
  await sendToNobody(3)
  t.same(await drops.metric('x0t_drops_total'), [])
})

t.test('the kernel names its reasons, and has no names for an enum that it does not know', async (t) => {
  t.equal(kernelEnum('skb_drop_reason').get(3), 'SKB_DROP_REASON_NO_SOCKET')
  t.equal(kernelEnum('x0t_no_such_enum').size, 0)
})
