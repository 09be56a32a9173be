import { Attributes } from './attributes.ts'
import { checked } from './bpf-failure.ts'
import { Descriptor, readObjectInfo, setPointer } from './descriptor.ts'

/** The bytes of BTF that the kernel holds, by id. */
export function readBtfOfKernel(id: number): Uint8Array {
  using descriptor = new Descriptor(
    checked(new Attributes(12).u32(0, id).call('BTF_GET_FD_BY_ID'), `BTF ${id} could not be opened`),
    `BTF ${id}`,
  )
  const { fd } = descriptor
  // struct bpf_btf_info: address and size of the bytes, then its id.
  const bytes = new Uint8Array(readObjectInfo(fd).getUint32(8, true))
  readObjectInfo(fd, (info) => {
    setPointer(info, 0, bytes)
    info.setUint32(8, bytes.length, true)
  })
  return bytes
}
