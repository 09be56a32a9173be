import t from 'tap'
import { featureNames, probeFeatures, type Feature, type FeatureName } from '@x0t/bpf'
import { allCapabilities, errors, fakeProbeKernel, type FakeMachine } from './support/fake-probe-kernel.ts'

async function probe(machine: FakeMachine = {}): Promise<Record<FeatureName, Feature>> {
  const kernel = fakeProbeKernel(machine)
  const features = await probeFeatures(kernel)
  t.same([...kernel.open, ...kernel.pins], [], 'nothing stays open or pinned')
  t.same(
    features.map(({ name }) => name),
    featureNames,
  )
  return Object.fromEntries(features.map((feature) => [feature.name, feature])) as Record<
    FeatureName,
    Feature
  >
}

const notWorking = (features: Record<FeatureName, Feature>): readonly string[] =>
  Object.values(features)
    .filter(({ status }) => status !== 'works')
    .map(({ name }) => name)

const statusFile = (capabilities: bigint | undefined, seccomp = 0) => ({
  '/proc/self/status':
    (capabilities === undefined ? '' : `CapEff:\t${capabilities.toString(16).padStart(16, '0')}\n`) +
    `Seccomp:\t${seccomp}\n`,
})

t.test('on a machine with all of it everything works', async (t) => {
  const features = await probe()
  t.same(notWorking(features), [])
  t.equal(features.cgroup2.detail, 'mounted at /sys/fs/cgroup')
})

t.test('a kernel without BTF says so, and what needs it', async (t) => {
  const features = await probe({ hasBtf: false })
  t.same(notWorking(features), ['kernel-btf', 'tp_btf'])
  t.match(features['kernel-btf'], { status: 'missing', detail: /CONFIG_DEBUG_INFO_BTF/, hint: /kernel/ })
  t.match(features.tp_btf, { status: 'missing', hint: 'see kernel-btf' })
})

t.test('without /sys the BTF is not missing but unmounted', async (t) => {
  const features = await probe({
    hasBtf: false,
    fileSystems: { '/sys/kernel': undefined, '/sys/fs/bpf': undefined },
  })
  t.match(features['kernel-btf'], { status: 'unmounted', hint: /mount -t sysfs/ })
  t.match(features.bpffs, { status: 'unmounted', detail: '/sys/fs/bpf is not there' })
})

t.test('without bpffs pins are named as what is missing, with the command that mounts it', async (t) => {
  const features = await probe({ fileSystems: { '/sys/fs/bpf': 0x62656572 } })
  t.same(notWorking(features), ['bpffs'])
  t.match(features.bpffs, { status: 'unmounted', hint: 'mount -t bpf bpf /sys/fs/bpf', usedBy: /outlive/ })
})

t.test('a bpffs that takes no pin of ours is refused', async (t) => {
  const { bpffs } = await probe({ results: { pin: errors.EPERM } })
  t.equal(bpffs.status, 'refused')
  const { bpffs: full } = await probe({ results: { 'createMap array': errors.EMFILE } })
  t.match(full, { status: 'failed', detail: /^the kernel said /, hint: undefined })
})

t.test('without privilege each feature names the capability that is missing', async (t) => {
  const features = await probe({ everyCall: errors.EPERM, files: statusFile(0n) })
  t.match(features['bpf-syscall'], {
    status: 'refused',
    detail: 'needs CAP_BPF; this process lacks CAP_BPF',
    hint: 'run as root, or give the service AmbientCapabilities=CAP_BPF',
  })
  t.match(
    features.xdp.detail,
    /needs CAP_BPF and CAP_NET_ADMIN; this process lacks CAP_BPF and CAP_NET_ADMIN/,
  )
  t.match(features.tp_btf.detail, /CAP_PERFMON/)
  t.match(features.statistics.detail, /CAP_SYS_ADMIN/)
  for (const name of ['tcx-link', 'live-frames', 'bpf_timer', 'bpffs'] as const)
    t.equal(features[name].status, 'refused', name)
})

t.test('only what is lacking is named, and CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON', async (t) => {
  const bpfOnly = await probe({ everyCall: errors.EPERM, files: statusFile(1n << 39n) })
  t.match(bpfOnly.xdp.detail, /lacks CAP_NET_ADMIN$/)
  const admin = await probe({ everyCall: errors.EPERM, files: statusFile(1n << 21n) })
  t.match(admin.xdp.detail, /lacks CAP_NET_ADMIN$/)
  t.match(admin.tp_btf.detail, /refused although this process has CAP_BPF and CAP_PERFMON/)
  const unknown = await probe({ everyCall: errors.EPERM, files: statusFile(undefined) })
  t.match(unknown.tc.detail, /lacks CAP_BPF and CAP_NET_ADMIN/)
})

t.test('with every capability the refusal is explained by user namespace, lockdown or seccomp', async (t) => {
  const all = BigInt(`0x${allCapabilities}`)
  const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ '/proc/self/uid_map': '0 1000 1\n' }, /user namespace/],
    [{ '/sys/kernel/security/lockdown': 'none [integrity] confidentiality\n' }, /locked down \(integrity\)/],
    [statusFile(all, 2), /seccomp/],
    [{ '/sys/kernel/security/lockdown': '[none] integrity confidentiality\n' }, /refused although/],
  ]
  for (const [files, detail] of cases) {
    const features = await probe({ everyCall: errors.EPERM, files })
    t.match(features['bpf-syscall'], { status: 'refused', detail, hint: /./ })
  }
})

t.test('an old kernel misses what came later, and the release is named', async (t) => {
  const features = await probe({
    results: {
      'createLink 46': errors.EINVAL,
      'createMap ringbuf': errors.EINVAL,
      'loadProgram syscall': errors.EINVAL,
      runLive: errors.EINVAL,
      createTimerMap: errors.EINVAL,
    },
  })
  t.same(notWorking(features), ['syscall', 'ring-buffer', 'bpf_timer', 'tcx-link', 'live-frames'])
  t.match(features['tcx-link'], {
    status: 'missing',
    detail: /EINVAL.*Linux 6\.6/,
    hint: /Linux 6\.6 or later/,
  })
  const none = await probe({ everyCall: errors.ENOSYS })
  t.match(none['bpf-syscall'], { status: 'missing', detail: /CONFIG_BPF_SYSCALL/ })
})

t.test('without node:ffi only what needs no system call is known', async (t) => {
  const features = await probe({ hasFfi: false })
  t.match(features.xdp, {
    status: 'untried',
    detail: 'this Node.js has no node:ffi',
    hint: 'use Node.js 26.7',
  })
  t.equal(features['kernel-btf'].status, 'works')
  t.equal(features.cgroup2.status, 'works')
  t.equal(features['tbf-qdisc'].status, 'works')
})

t.test('without a network namespace to try it in, nothing is attached to what is there', async (t) => {
  const features = await probe({ results: { unshare: errors.EPERM } })
  t.same(notWorking(features), ['tcx-link', 'xdp-link'])
  t.match(features['xdp-link'], { status: 'untried', detail: /EPERM/ })
})

t.test('the mount of cgroup2 is found wherever it is, and its absence is told', async (t) => {
  const line = '31 25 0:27 / /sys/fs/my\\040cgroups/unified rw - cgroup2 none rw'
  const v1 = '30 25 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755'
  const found = await probe({ files: { '/proc/self/mountinfo': `broken - cgroup2 x\n${v1}\n${line}\n` } })
  t.equal(found.cgroup2.detail, 'mounted at /sys/fs/my cgroups/unified')
  for (const text of [v1, undefined]) {
    const features = await probe({ files: { '/proc/self/mountinfo': text } })
    t.match(features.cgroup2, { status: 'unmounted', hint: /mount -t cgroup2/ })
  }
})

t.test('what tc says of the pacer’s qdisc is told apart', async (t) => {
  const cases: readonly (readonly [number | undefined, string, Feature['status'], RegExp])[] = [
    [undefined, '', 'untried', /not installed/],
    [2, 'Error: Specified qdisc kind is unknown.', 'missing', /CONFIG_NET_SCH_TBF/],
    [2, 'RTNETLINK answers: No such file or directory', 'missing', /TBF/],
    [1, 'unshare: unshare failed: Operation not permitted', 'refused', /refused although/],
    [1, 'Segmentation fault', 'failed', /Segmentation fault/],
    [3, '', 'failed', /tc ended with 3/],
  ]
  for (const [exitCode, stderr, status, detail] of cases) {
    const features = await probe({ tbf: { exitCode, stderr } })
    t.match(features['tbf-qdisc'], { status, detail })
  }
})
