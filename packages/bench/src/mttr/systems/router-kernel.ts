import type { BedTools } from '../../bed-tools.ts'
import { loopbackOf } from './routed-link.ts'

/** Lets the kernel of a host forward and gives it its address on the loopback. May be repeated. */
export async function prepareRouterKernel(tools: BedTools, host: string): Promise<void> {
  await tools.run(host, ['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
  await tools.run(host, ['ip', 'address', 'replace', `${loopbackOf(tools.bed.plan, host)}/32`, 'dev', 'lo'])
}
