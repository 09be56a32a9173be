/** What {@link probeFeatures} tries, in this order. */
export const featureNames = [
  'bpf-syscall',
  'kernel-btf',
  'bpffs',
  'cgroup2',
  'xdp',
  'tc',
  'sock_ops',
  'cgroup_skb',
  'tp_btf',
  'syscall',
  'map-hash',
  'map-array',
  'map-percpu_array',
  'map-percpu_hash',
  'map-lru_hash',
  'map-lru_percpu_hash',
  'map-lpm_trie',
  'map-prog_array',
  'map-devmap_hash',
  'mmap-array',
  'ring-buffer',
  'bpf_timer',
  'tcx-link',
  'xdp-link',
  'live-frames',
  'statistics',
  'tbf-qdisc',
] as const

/** One of {@link featureNames}. */
export type FeatureName = (typeof featureNames)[number]

/** Whether a feature works here, and why not. */
export interface Feature {
  readonly name: FeatureName
  /**
   * `refused`: the kernel knows it and does not let this process; `missing`: not in this kernel; `unmounted`: the file
   * system is not there; `failed`: something else; `untried`: it could not be tried, which says nothing about it.
   */
  readonly status: 'works' | 'refused' | 'missing' | 'unmounted' | 'failed' | 'untried'
  /** What was seen, in a sentence. */
  readonly detail: string
  /** What to do about it. */
  readonly hint: string | undefined
  /** What does not work without it. */
  readonly usedBy: string
}
