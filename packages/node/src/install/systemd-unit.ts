/** What a unit file needs to know. */
export interface UnitOptions {
  /** Absolute path of the `x0t` command. */
  readonly program: string
  /** `dynamic`: a user that exists while the service runs; else the name of one that exists. */
  readonly user: 'dynamic' | { readonly name: string }
  /** Folder of the node's state: below /var/lib, so that systemd makes and owns it. */
  readonly home: string
  /** Name of the mesh that the first start on an empty home makes; undefined: derived from the host name. */
  readonly mesh?: string
}

/**
 * A hardened unit for the node: no root, one capability, one device, a read-only system. As `root` it still has three
 * capabilities only, and may use the fast path: pins belong to root, and programs in the kernel ask for two more.
 * MemoryDenyWriteExecute is absent because V8 compiles at run time. A node that ends is started again within a tenth of a
 * second, as others miss it; systemd counts restarts until the next start by hand, and only after many of them does the
 * wait grow, to ten seconds, so that a node that cannot run does not keep the machine busy.
 */
export function systemdUnit({ program, user, home, mesh }: UnitOptions): string {
  const words = ['node', 'start', '--home', home, '--log-format', 'json']
  if (mesh !== undefined) words.push('--mesh', mesh)
  const state = home.slice('/var/lib/'.length)
  const mayUseKernel = user !== 'dynamic' && user.name === 'root'
  const capabilities = ['CAP_NET_ADMIN', ...(mayUseKernel ? ['CAP_BPF', 'CAP_PERFMON'] : [])].join(' ')
  const belowHome = /^\/(home|root|run\/user)\//.test(program)
  return `[Unit]
Description=x0t mesh node
Wants=network-online.target
After=network-online.target time-sync.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart=${[program, ...words].map(quoted).join(' ')}
Restart=always
RestartSec=100ms
RestartSteps=20
RestartMaxDelaySec=10s
WatchdogSec=30s
SuccessExitStatus=129 130 143
TimeoutStartSec=60s
TimeoutStopSec=15s
KillMode=mixed

${user === 'dynamic' ? 'DynamicUser=yes' : `User=${user.name}`}
StateDirectory=${state}
StateDirectoryMode=0700
UMask=0077

AmbientCapabilities=${capabilities}
CapabilityBoundingSet=${capabilities}
NoNewPrivileges=yes
DevicePolicy=closed
DeviceAllow=/dev/net/tun rw

ProtectSystem=strict
ProtectHome=${belowHome ? 'read-only' : 'yes'}
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service${mayUseKernel ? ' bpf' : ''}
SystemCallErrorNumber=EPERM
LimitNOFILE=65536
LimitNICE=-20
LimitRTPRIO=1

[Install]
WantedBy=multi-user.target
`
}

/** A word of ExecStart: quoted, `%` and `$` doubled (systemd.service(5), "Command lines"). */
function quoted(word: string): string {
  const doubled = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@%+=:,./$-]+$/.test(doubled) ? doubled : `"${doubled.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
