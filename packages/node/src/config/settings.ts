import {
  booleanKind,
  bytesKind,
  choiceKind,
  durationKind,
  endpointOrOffKind,
  endpointsKind,
  hitlessKind,
  integerKind,
  numberKind,
  orAutoKind,
  textKind,
  type Kind,
  type RawValue,
} from './kind.ts'

/** One setting: its kind, its default as the file would say it, and a sentence of help. */
export interface Setting<T = unknown> {
  readonly kind: Kind<T>
  /** The default as in the file. */
  readonly fallback: RawValue | DerivedFallback
  readonly help: string
  /** Key in the file where it is not the field's name in snake case. */
  readonly fileKey?: string
  /** Long flag of `x0t node start` beside `--set`. */
  readonly flag?: string
}

/** A default that depends on where the node runs, in words, and an example for the file. */
export interface DerivedFallback {
  readonly derived: keyof DerivedDefaults
  readonly words: string
  readonly example: string
}

export function isDerived(fallback: Setting['fallback']): fallback is DerivedFallback {
  return typeof fallback === 'object' && 'derived' in fallback
}

/** Defaults that depend on where the node runs. */
export interface DerivedDefaults {
  readonly hostname: string
  readonly socket: string
}

function setting<T>(
  kind: Kind<T>,
  fallback: Setting['fallback'],
  help: string,
  more: SettingExtras = {},
): Setting<T> {
  return { kind, fallback, help, ...more }
}

type SettingExtras = Pick<Setting, 'fileKey' | 'flag'>

/** Every setting of a node by section and field. File, environment, flags, reference and checks come from here. */
export const settings = {
  node: {
    name: setting(
      textKind('1 to 63 letters, digits, dots, hyphens', /^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/),
      {
        derived: 'hostname',
        words: 'the name given when it joined, else the host name',
        example: 'kitchen-pi',
      },
      'Name shown to the other members. It is a label, not an identity.',
      { flag: '--name' },
    ),
    logLevel: setting(
      choiceKind(['debug', 'info', 'warn', 'error']),
      'info',
      'Least level of what is logged.',
      { flag: '--log-level' },
    ),
    logFormat: setting(
      choiceKind(['auto', 'json', 'text']),
      'auto',
      'Log as JSON lines or as text; auto: text on a terminal, else JSON.',
      { flag: '--log-format' },
    ),
    logFileBytes: setting(
      bytesKind(65_536, 2 ** 30),
      '16MiB',
      'Size at which the log file of a detached node is put aside; one old file is kept.',
      { fileKey: 'log_file_size' },
    ),
  },
  network: {
    listen: setting(
      endpointsKind(16),
      ['0.0.0.0:7800', '[::]:7800'],
      'Addresses to listen on, TCP (control plane) and UDP (data plane) alike.',
      { flag: '--listen' },
    ),
    bootstrap: setting(endpointsKind(64), [], 'Members to connect to at start, beside those already known.', {
      flag: '--bootstrap',
    }),
    advertise: setting(
      endpointsKind(16),
      [],
      'Addresses to give to the others instead of those of the interfaces; for nodes behind port forwarding.',
      { flag: '--advertise' },
    ),
    mdns: setting(booleanKind, true, 'Find members of the mesh on the local network by multicast DNS.', {
      flag: '--mdns',
    }),
    maxNeighbours: setting(integerKind(1, 64), 16, 'Most neighbours to keep a link to.'),
  },
  tunnel: {
    enabled: setting(
      choiceKind(['auto', true, false]),
      'auto',
      'Make the network interface. auto: where the process may (CAP_NET_ADMIN), else route for others only.',
      { flag: '--tunnel' },
    ),
    interface: setting(
      textKind('an interface name of 1 to 15 characters', /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,15}$/),
      'x0t0',
      'Name of the network interface.',
      { flag: '--interface' },
    ),
    mtu: setting(
      integerKind(1280, 65_535),
      1360,
      'MTU of the interface, bytes. 1360 fits one datagram on an Ethernet or PPPoE path.',
      { flag: '--mtu' },
    ),
    carrier: setting(
      choiceKind(['auto', 'udp', 'tls']),
      'auto',
      'What carries packets to a neighbour. auto: UDP, and TLS over TCP where UDP does not get through.',
      { flag: '--carrier' },
    ),
    hitless: setting(
      hitlessKind(256),
      [],
      'What is sent on two independent paths at once, so that no single failure loses a packet, at twice the ' +
        'bandwidth: all, members, classes of traffic (dscp:46). Applies to what this node sends: set it on both ends.',
    ),
  },
  probe: {
    intervalMs: setting(
      orAutoKind(integerKind(5, 60_000)),
      'auto',
      'Milliseconds between two probes of a link. auto: 10 on a local network, more where round trip or jitter ask for it. The slower side decides.',
    ),
    misses: setting(integerKind(2, 50), 3, 'Probes in a row without an answer after which a link is down.'),
    kernelIntervalMs: setting(
      orAutoKind(numberKind(0.25, 60_000)),
      'auto',
      'Milliseconds between two probes that the kernel itself sends, with fast_path.mode. auto: 1 where the round trip is below 2, more where round trip and jitter ask for it.',
      { fileKey: 'kernel_interval' },
    ),
  },
  fastPath: {
    mode: setting(
      choiceKind(['off', 'auto', 'on']),
      'off',
      'Probe neighbours and forward for others in the kernel (eBPF). auto: where the kernel can, else by this process; on: do not start where it cannot. x0t node status says which.',
    ),
  },
  identity: {
    svidTtlMs: setting(
      durationKind(60_000, 30 * 86_400_000),
      '24h',
      'Lifetime of a certificate (SVID) that the authority issues; renewed at half of it.',
      { fileKey: 'svid_ttl' },
    ),
  },
  healing: {
    enabled: setting(
      booleanKind,
      true,
      'Run the healing loop: it watches, explains, and repairs what it can.',
    ),
    policyFile: setting(
      textKind('an absolute path, or nothing', /^(\/[^\0]{1,4095})?$/),
      '',
      'File in TOML with what the loop may do and when; empty: the built-in policy. x0t heal policy shows it.',
    ),
    historyDays: setting(integerKind(1, 3650), 30, 'Days for which incidents are kept.'),
  },
  session: {
    renewSeconds: setting(
      integerKind(10, 3600),
      120,
      'Seconds after which the keys between two members change.',
    ),
  },
  http: {
    listen: setting(
      endpointOrOffKind,
      '127.0.0.1:8080',
      'Address of the read-only health, metrics and mesh state, without authentication; off: none.',
      { flag: '--http' },
    ),
  },
  api: {
    socket: setting(
      textKind('an absolute path of at most 107 bytes', /^\/[^\0]{1,106}$/),
      { derived: 'socket', words: '`x0t.sock` in the home', example: '/run/x0t/x0t.sock' },
      'Unix socket through which the x0t command controls the node; readable by its owner only.',
    ),
  },
} as const

export type Settings = typeof settings

/** The configuration of a node, checked: `config.network.listen`, `config.probe.intervalMs`. */
export type NodeConfig = {
  readonly [S in keyof Settings]: {
    readonly [F in keyof Settings[S]]: Settings[S][F] extends Setting<infer T> ? T : never
  }
}

/** One setting with all its names. */
export interface NamedSetting {
  /** `network.listen`: section and key as in the file. */
  readonly key: string
  readonly section: string
  readonly fileKey: string
  /** Section and key as in {@link NodeConfig}. */
  readonly group: string
  readonly field: string
  /** `X0T_NETWORK_LISTEN`. */
  readonly variable: string
  readonly setting: Setting
}

/** All settings in the order of the file. */
export const namedSettings: readonly NamedSetting[] = Object.entries(settings).flatMap(([group, fields]) =>
  Object.entries(fields as Readonly<Record<string, Setting>>).map(([field, setting]) => {
    const section = snakeCase(group)
    const fileKey = setting.fileKey ?? snakeCase(field)
    const variable = `X0T_${section}_${fileKey}`.toUpperCase()
    return { key: `${section}.${fileKey}`, section, fileKey, group, field, variable, setting }
  }),
)

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
