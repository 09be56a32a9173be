import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { programPath } from '@x0t/bpf'
import { runCli } from '../run-cli.ts'
import { run } from './separate-process.ts'

const bpf = async (...words: string[]): ReturnType<typeof runCli> => runCli(['bpf', ...words])

/** Ethernet, IPv4, UDP from 10.0.0.1 to 10.0.0.2 port 4000. */
const packet =
  '020000000002 020000000001 0800 4500001c000000004011 66cf 0a000001 0a000002 1234 0fa0 0008 0000'

t.test('verify reports what the kernel says of an object, and leaves nothing', async (t) => {
  const { code, stdout } = await bpf('verify', 'guard', '--json')
  t.equal(code, 0)
  const report = JSON.parse(stdout) as {
    readonly programs: readonly {
      readonly processedInstructions: number
      readonly stackBytes: readonly number[]
    }[]
  }
  t.ok(report.programs[0]!.processedInstructions > 100)
  t.ok(report.programs[0]!.stackBytes[0]! > 0)
  t.match(await bpf('verify', 'drops', '--log'), {
    code: 0,
    stdout: /LOG OF x0t_drop[^]*drops\.bpf\.c:\d+: /,
  })
  t.match(await bpf('list'), { stdout: /nothing is loaded/ })
  t.match(await bpf('verify', 'nothing'), { code: 1, stderr: /BPF_PROGRAM_NOT_SHIPPED/ })
  t.match(await bpf('verify', './nothing.o'), { code: 2, stderr: /BPF_OBJECT_FILE_NOT_FOUND/ })
  const file = `${t.testdir({})}/text.o`
  writeFileSync(file, 'no object')
  t.match(await bpf('verify', file), { code: 1, stderr: /BPF_OBJECT_INVALID/ })
})

t.test('a program that the verifier refuses is exit code 3, with the source line in its log', async (t) => {
  const folder = t.testdir({
    'wild.bpf.c': `
#include <linux/bpf.h>
#define SEC(name) __attribute__((section(name), used))
SEC("xdp") int wild(struct xdp_md *xdp) { return *(unsigned char *)(long)xdp->data; }
SEC("xdp") int tame(struct xdp_md *xdp) { return XDP_PASS; }
char LICENSE[] SEC("license") = "GPL";
`,
  })
  try {
    run(
      'clang',
      '-O2',
      '-g',
      '-mcpu=v3',
      '-target',
      'bpf',
      `-I/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
      '-c',
      `${folder}/wild.bpf.c`,
      '-o',
      `${folder}/wild.bpf.o`,
    )
  } catch {
    t.pass('skipped: no clang', { skip: 'no clang' })
    return
  }
  t.match(await bpf('verify', `${folder}/wild.bpf.o`), {
    code: 3,
    stdout: /tame +xdp[^]*REFUSED wild[^]*wild\.bpf\.c:4: /,
  })
  t.match(await bpf('load', `${folder}/wild.bpf.o`), { code: 3, stdout: /programs +tame[^]*REFUSED wild/ })
  t.match(await bpf('unload', 'wild'), { code: 0 })
  t.match(await bpf('load', `${folder}/wild.bpf.o`, '--only', 'wild'), {
    code: 1,
    stderr: /BPF_NOTHING_LOADED/,
  })
  t.match(await bpf('list'), { stdout: /nothing is loaded/ })
})

t.test('a program is tried on packets, loaded or not, and its verdict can be required', async (t) => {
  t.match(await bpf('test', 'guard', '--hex', packet), {
    code: 0,
    stdout: /guard\/x0t_guard[^]*1 +42 +pass +no/,
  })
  t.match(await bpf('test', 'guard', '--hex', packet, '--expect', 'pass'), { code: 0 })
  t.match(await bpf('test', 'guard', '--hex', packet, '--expect', 'drop'), { code: 3, stdout: /NO/ })
  const only = ['--set', 'guard_allowed_only=true', '--set', 'guard_port=4000']
  t.match(
    await bpf('test', 'guard', '--hex', packet, ...only, '--expect', 'drop'),
    { code: 0 },
    'with its globals',
  )
  t.match(await bpf('test', 'fault', '--program', 'x0t_fault_xdp', '--hex', packet, '--json'), { code: 0 })
  t.match(await bpf('test', 'fault', '--hex', packet), { code: 2, stderr: /say which one[^]*x0t_fault_xdp/ })
  t.match(await bpf('test', programPath('gen'), '--hex', packet), { code: 0, stdout: /tx +no/ })
  const pcap = `${t.testdir({})}/packets.pcap`
  const record = Buffer.from(packet.replaceAll(' ', ''), 'hex')
  const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex')
  const lengths = Buffer.alloc(16)
  lengths.writeUInt32LE(record.length, 8)
  lengths.writeUInt32LE(record.length, 12)
  writeFileSync(pcap, Buffer.concat([header, lengths, record, lengths, record]))
  t.match(await bpf('load', 'guard'), { code: 0 })
  t.match(await bpf('test', 'guard/x0t_guard', '--pcap', pcap), { code: 0, stdout: /2 +42 +pass/ })
  t.match(await bpf('test', 'guard', '--program', 'x0t_guard', '--hex', packet), { code: 0 })
  const { entries } = JSON.parse(
    (await bpf('dump', 'guard/x0t_guard_packets', '--filter', 'value>0', '--json')).stdout,
  ) as {
    readonly entries: readonly { readonly value: number }[]
  }
  t.equal(
    entries.reduce((sum, { value }) => sum + value, 0),
    3,
    'a loaded one is the one that is attached: it counts',
  )
  t.match(await bpf('bench', 'guard', '--hex', packet, '--repeat', '100', '--samples', '3'), {
    code: 0,
    stdout: /\d+ +\d+ +\d+ +3 +100\n/,
  })
  t.match(await bpf('unload', 'guard'), { code: 0 })
  for (const words of [
    ['guard'],
    ['guard', '--hex', 'zz'],
    ['guard', '--hex', packet, '--expect', 'maybe'],
    ['guard', '--hex', packet, '--set', 'x'],
  ])
    t.match(await bpf('test', ...words), { code: 2 }, words.join(' '))
  t.match(await bpf('bench', 'guard', '--hex', packet, '--samples', '0'), { code: 2 })
})

t.test('dump filters, orders, streams, and shows CPUs one by one', async (t) => {
  t.match(await bpf('load', 'flow'), { code: 0 })
  t.match(await bpf('dump', 'flow/x0t_flow_peers'), { stdout: /has no such entries/ })
  const totals = 'flow/x0t_flow_totals'
  t.match(await bpf('dump', totals), { stdout: /KEY +PACKETS +BYTES\n0 +0 +0\n1 +0 +0/ })
  t.match(await bpf('dump', 'x0t_flow_totals', '--filter', 'key=1'), { stdout: /\n1 +0 +0\n$/ })
  const lines = (await bpf('dump', totals, '--ndjson')).stdout.trim().split('\n')
  t.strictSame(
    lines.map((line) => JSON.parse(line) as unknown),
    [
      { key: 0, value: { packets: 0, bytes: 0 } },
      { key: 1, value: { packets: 0, bytes: 0 } },
    ],
  )
  const perCpu = JSON.parse(
    (await bpf('dump', totals, '--per-cpu', '--top', '1', '--by', 'key', '--json')).stdout,
  ) as {
    readonly entries: readonly { readonly key: number; readonly value: readonly unknown[] }[]
  }
  t.equal(perCpu.entries[0]!.key, 1)
  t.ok(perCpu.entries[0]!.value.length > 0)
  t.match(await bpf('dump', totals, '--filter', 'packets'), { code: 2, stderr: /BPF_FILTER_INVALID/ })
  t.match(await bpf('dump', totals, '--by', 'nothing'), { code: 2, stderr: /BPF_FILTER_INVALID/ })
  t.match(await bpf('dump', 'flow'), {
    code: 2,
    stderr: /x0t_flow_peers,\s+flow\/x0t_flow_pending,\s+flow\/x0t_flow_timers,\s+flow\/x0t_flow_totals/,
  })
  t.match(await bpf('dump', 'nothing'), { code: 1, stderr: /BPF_NOT_LOADED/ })
  t.match(await bpf('unload', 'flow'), { code: 0 })
})

t.test('watch streams events of a ring buffer and counters', async (t) => {
  t.match(await bpf('load', 'connections'), { code: 0 })
  t.match(await bpf('attach', 'connections'), { code: 0 })
  const watching = bpf('watch', 'connections', '--for', '1500ms', '--interval', '300ms', '--json')
  // A connection of this namespace, which the program sees whole.
  const { createServer, connect } = await import('node:net')
  const server = createServer((socket) => socket.end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { readonly port: number }
  await new Promise((resolve) => setTimeout(resolve, 400))
  await new Promise((resolve) => connect(port, '127.0.0.1').resume().once('close', resolve))
  server.close()
  const { code, stdout } = await watching
  t.equal(code, 0)
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly kind: string; readonly event?: object })
  t.ok(lines.some(({ kind }) => kind === 'counters'))
  const events = lines.filter(({ kind }) => kind === 'event')
  t.ok(events.length > 0, 'the connection is an event')
  t.type(events[0]?.event, 'object', 'with its fields by name')
  t.match(await bpf('watch', 'connections', '--for', '1s', '--interval', '100ms'), {
    code: 0,
    stdout: /PROGRAM +RUNS/,
  })
  t.match(await bpf('watch', 'nothing', '--for', '1s'), { code: 1, stderr: /BPF_NOT_LOADED/ })
  t.match(await bpf('stats', 'connections', '--interval', '50ms', '--count', '2'), {
    code: 0,
    stdout: /connections\/x0t_connection[^]*connections\/x0t_connection/,
  })
  t.match(await bpf('stats', '--all', '--interval', '50ms'), { code: 0 })
  t.match(await bpf('unload', 'connections'), { code: 0 })
  t.match(await bpf('stats', '--interval', '50ms'), { stdout: /no program of x0t/ })
})

t.test('doctor tries what this kernel can do', async (t) => {
  const { code, stdout } = await bpf('doctor', '--json')
  const { features } = JSON.parse(stdout) as {
    readonly features: readonly { readonly name: string; readonly status: string }[]
  }
  t.match(features, [{ name: 'bpf-syscall', status: 'works' }])
  t.equal(code, features.every(({ status }) => status === 'works' || status === 'untried') ? 0 : 3)
  t.match(await bpf('doctor'), { stdout: /FEATURE +RESULT[^]*bpffs +works/ })
})

t.test('names that are none are errors with a hint', async (t) => {
  t.match(await bpf('show', '999999999'), { code: 1, stderr: /BPF_OBJECT_NOT_FOUND/ })
  t.match(await bpf('show', 'nothing'), { code: 1, stderr: /BPF_NOT_LOADED/ })
  t.match(await bpf('unload', 'nothing'), { code: 1, stderr: /BPF_NOT_LOADED/ })
  t.match(await bpf('up', '/nowhere.json'), { code: 2, stderr: /BPF_MANIFEST_NOT_FOUND/ })
  t.match(await bpf('list', '--namespace', 'a/b'), { code: 1, stderr: /BPF_NAMESPACE_NOT_FOUND/ })
  t.match(await bpf('load', 'flow', '--pins', '/tmp'), { code: 1, stderr: /BPF_NO_BPFFS/ })
  t.match(await bpf('load', 'fault'), { code: 0 })
  t.match(await bpf('attach', 'fault', '--interface', 'lo'), {
    code: 2,
    stderr: /not all fit together[^]*fault\/x0t_fault_xdp/,
  })
  t.match(await bpf('attach', 'fault/x0t_fault_tc', '--interface', 'lo'), { code: 2, stderr: /--direction/ })
  t.match(await bpf('attach', 'fault/x0t_fault_tc', '--interface', 'none', '--direction', 'egress'), {
    code: 1,
    stderr: /BPF_INTERFACE_NOT_FOUND/,
  })
  t.match(await bpf('unload', 'fault'), { code: 0 })
})

t.test(
  'a command works in a namespace of ip netns, and mounts the BPF file system where there is none',
  async (t) => {
    // In a mount namespace of its own, and as a process of its own, for there is no way back from a namespace.
    const script = `
    set -e
    umount /sys/fs/bpf
    mkdir -p /run/netns && mount -t tmpfs none /run/netns
    ip netns add bpf-test
    ip -n bpf-test link add n0 type veth peer name n1
    trap 'ip netns del bpf-test' EXIT
    "$@" load flow
    "$@" attach flow/x0t_flow_in --interface n0 --namespace bpf-test
    "$@" list
    "$@" list --namespace bpf-test
    "$@" unload flow
  `
    const program = `${import.meta.dirname}/../../bin/x0t.js`
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', script, 'sh', process.execPath, ...process.execArgv, program, 'bpf'],
      { encoding: 'utf8' },
    )
    t.equal(status, 0, stderr)
    t.match(stderr, /mounted a BPF file system at \/sys\/fs\/bpf/)
    t.match(
      stdout,
      /attached flow\/x0t_flow_in@n0-ingress@\d+[^]*n0 ingress \(netns \d+\)[^]*n0 ingress +\d[^]*unloaded flow: 1 link/,
    )
  },
)
