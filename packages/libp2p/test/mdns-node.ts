// A node of the mDNS test, in a network namespace of its own: takes the authority over IPC, tells when a neighbour is up.
import { restoreAuthority } from '@x0t/identity'
import { channels } from '../src/index.ts'
import { TestMesh, TestPlane } from './test-mesh.ts'

// Not to outlive the test, however that ends.
process.once('disconnect', () => process.exit())
process.once('message', (message: { seed: string; certificate: string; host: string }) => {
  const bytes = (text: string): Uint8Array => Buffer.from(text, 'base64')
  const mesh = new TestMesh(
    restoreAuthority({ seed: bytes(message.seed), certificateDer: bytes(message.certificate) }),
  )
  const run = async (): Promise<void> => {
    const plane = await TestPlane.start(mesh.member(), {
      listen: [{ host: message.host, port: 0 }],
      mdns: { enabled: true, serviceTag: 'x0t-test-mesh', intervalMs: 500 },
    })
    const { nodeId } = await plane.up()
    plane.plane.send(nodeId, channels.mesh, Buffer.from('found you'))
    const frame = await plane.event('frame')
    process.send?.({
      self: plane.member.nodeId,
      neighbour: nodeId,
      text: Buffer.from(frame.payload).toString(),
    })
  }
  run().catch((error: unknown) => {
    process.send?.({ error: String(error) })
  })
})
