import { access, open, readdir, readFile, rmdir, type FileHandle } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from '@x0t/core'
import { inNamespace, namespacePath, type Run } from './run-command.ts'
import { staticRoutes } from './static-routes.ts'
import { cablesOf, middleNamespace } from './cables/cable-plan.ts'
import { namespacesOf, plannedHost, type LinkEnd, type NetworkPlan } from './network-plan.ts'

/** What stood at /run/netns before a testbed: `ip netns add` makes the folder and mounts it on itself. */
export type NetnsFolder = 'absent' | 'folder' | 'mount'

/** Makes the namespaces, veth pairs, addresses and routes of a plan. What it made stays when it throws. */
export async function makeNetwork(plan: NetworkPlan, run: Run, signal: AbortSignal): Promise<void> {
  for (const { namespace } of plan.hosts) {
    await run(['ip', 'netns', 'add', namespace], { signal })
    // Before there are interfaces: they take their settings from the defaults when they appear.
    await run(inNamespace(namespace, ['sysctl', '-q', '-w', ...kernelSettings(plan.forward)]), { signal })
  }
  if (plan.cables === 'bpf') await makeMiddle(plan, run, signal)
  const pairs = plan.cables === 'bpf' ? cablePairs(plan) : hostPairs(plan)
  for (const { namespace } of plan.hosts) {
    const own = pairs.filter((pair) => pair.namespace === namespace)
    await ipBatch(
      namespace,
      own.map(({ command }) => command),
      run,
      signal,
    )
  }
  if (plan.cables === 'bpf') await raiseMiddle(plan, run, signal)
  const ends = plan.links.flatMap(({ a, b }) => [a, b])
  for (const { namespace } of plan.hosts) {
    const own = ends.filter((end) => end.namespace === namespace)
    await ipBatch(namespace, ['link set lo up', ...own.flatMap(addressCommands)], run, signal)
  }
  for (const { namespace } of plan.hosts) {
    const own = ends.filter((end) => end.namespace === namespace)
    await waitForLinks(namespace, own, run, signal)
  }
  if (!plan.forward) return
  for (const { argv, input } of plan.hosts.flatMap(({ name }) => routeCommands(plan, name))) {
    await run(argv, { input, signal })
  }
}

/** Commands that put the static routes of one host in place, whether they are there or not. */
export function routeCommands(
  plan: NetworkPlan,
  host: string,
): readonly { readonly argv: readonly string[]; readonly input: string }[] {
  const { namespace } = plannedHost(plan, host)
  const routes = staticRoutes(plan).filter((route) => route.host === host)
  if (routes.length === 0) return []
  const batch = (lines: readonly string[]): string => `${lines.join('\n')}\n`
  return [
    {
      argv: ['ip', '-n', namespace, '-batch', '-'],
      input: batch(routes.map((route) => `route replace ${route.ipv4Subnet} via ${route.ipv4Via}`)),
    },
    {
      argv: ['ip', '-6', '-n', namespace, '-batch', '-'],
      input: batch(routes.map((route) => `route replace ${route.ipv6Subnet} via ${route.ipv6Via}`)),
    },
  ]
}

/** Deletes the namespaces, and with them links, addresses, rules and routes; those that are gone are passed over. */
export async function removeNetwork(plan: NetworkPlan, run: Run): Promise<void> {
  for (const namespace of namespacesOf(plan)) {
    if (!(await exists(namespacePath(namespace)))) continue
    const { exitCode, stderr } = await run(['ip', 'netns', 'delete', namespace], { allowFailure: true })
    // A run that was killed between making the file and mounting the namespace on it leaves a plain file,
    // which ip removes although it reports that it could not unmount it.
    if (exitCode !== 0 && (await exists(namespacePath(namespace)))) throw new Error(stderr.trim())
  }
}

/** Tells by the mount that an open folder lies on: the list of mounts also holds those that others cover. */
export async function netnsFolder(): Promise<NetnsFolder> {
  let folder: FileHandle
  try {
    folder = await open('/run/netns', 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'absent'
    throw error
  }
  const facts = await readFile(`/proc/self/fdinfo/${folder.fd}`, 'utf8')
  await folder.close()
  const mountId = /^mnt_id:\s*(\d+)$/m.exec(facts)?.[1]
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' '))
  return mounts.some(([id, , , , point]) => id === mountId && point === '/run/netns') ? 'mount' : 'folder'
}

/**
 * Puts /run/netns back as it was found, if no namespace is left in it. Others may have come to use it
 * meanwhile: then the kernel calls it busy and it stays.
 */
export async function restoreNetnsFolder(before: NetnsFolder, run: Run): Promise<void> {
  if (before === 'mount' || (await netnsFolder()) !== 'mount') return
  if ((await readdir('/run/netns')).length > 0) return
  const { exitCode } = await run(['umount', '/run/netns'], { allowFailure: true })
  if (exitCode === 0 && before === 'absent') await rmdir('/run/netns').catch(() => {})
}

/** Namespaces of a plan that exist already. */
export async function existingNamespaces(plan: NetworkPlan): Promise<readonly string[]> {
  const found: string[] = []
  for (const namespace of namespacesOf(plan))
    if (await exists(namespacePath(namespace))) found.push(namespace)
  return found
}

/**
 * Waits until the kernel calls the interfaces up at both ends: it tells IPv6 of a carrier with a delay, and until
 * then there are no routes.
 */
async function waitForLinks(
  namespace: string,
  ends: readonly LinkEnd[],
  run: Run,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const { stdout } = await run(['ip', '-n', namespace, '-o', 'link'], { signal })
    const lines = stdout.split('\n')
    const isUp = (end: LinkEnd): boolean =>
      lines.some((line) => line.includes(` ${end.interface}@`) && line.includes(' state UP '))
    if (ends.every(isUp)) return
    await delay(20, undefined, { signal })
  }
}

/** A veth pair to be made from this namespace. */
interface Pair {
  readonly namespace: string
  readonly command: string
}

function hostPairs({ links }: NetworkPlan): readonly Pair[] {
  return links.map(({ a, b, mtuBytes }) => ({
    namespace: a.namespace,
    command: pairCommand(a, b, b.namespace, mtuBytes),
  }))
}

/** Two pairs for each link: from either host into the middle. */
function cablePairs(plan: NetworkPlan): readonly Pair[] {
  return cablesOf(plan).flatMap(({ sides, mtuBytes }) =>
    sides.map(({ host, ...middle }) => ({
      namespace: host.namespace,
      command: pairCommand(host, middle, middleNamespace(plan), mtuBytes),
    })),
  )
}

function pairCommand(
  own: Pick<LinkEnd, 'interface' | 'index'>,
  peer: Pick<LinkEnd, 'interface' | 'index'>,
  peerNamespace: string,
  mtuBytes: number,
): string {
  return (
    `link add name ${own.interface} index ${own.index} mtu ${mtuBytes} type veth ` +
    `peer name ${peer.interface} index ${peer.index} mtu ${mtuBytes} netns ${peerNamespace}`
  )
}

/** The namespace in the middle of all cables has no addresses: nothing but the program of the cables sees packets. */
async function makeMiddle(plan: NetworkPlan, run: Run, signal: AbortSignal): Promise<void> {
  const namespace = middleNamespace(plan)
  await run(['ip', 'netns', 'add', namespace], { signal })
  const silent = ['net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1']
  await run(inNamespace(namespace, ['sysctl', '-q', '-w', ...silent]), { signal })
}

async function raiseMiddle(plan: NetworkPlan, run: Run, signal: AbortSignal): Promise<void> {
  const namespace = middleNamespace(plan)
  const names = cablesOf(plan).flatMap(({ sides }) => sides.map((side) => side.interface))
  await ipBatch(
    namespace,
    names.map((name) => `link set ${name} up`),
    run,
    signal,
  )
}

function kernelSettings(forward: boolean): string[] {
  const flag = forward ? 1 : 0
  return [
    `net.ipv4.ip_forward=${flag}`,
    `net.ipv6.conf.all.forwarding=${flag}`,
    // Without this a link that was down comes back without its IPv6 addresses.
    'net.ipv6.conf.all.keep_addr_on_down=1',
    'net.ipv6.conf.default.accept_ra=0',
    // No second of waiting for duplicates of link-local addresses, in which a router resolves no neighbour.
    'net.ipv6.conf.default.accept_dad=0',
    'net.ipv4.conf.all.rp_filter=0',
    'net.ipv4.conf.default.rp_filter=0',
  ]
}

function addressCommands(end: LinkEnd): string[] {
  return [
    `address add ${end.ipv4}/30 dev ${end.interface}`,
    // nodad: the address is usable at once, and nobody else is on the link.
    `address add ${end.ipv6}/64 dev ${end.interface} nodad`,
    `link set ${end.interface} up`,
  ]
}

async function ipBatch(
  namespace: string,
  lines: readonly string[],
  run: Run,
  signal: AbortSignal,
): Promise<void> {
  if (lines.length === 0) return
  await run(['ip', '-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n`, signal })
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
