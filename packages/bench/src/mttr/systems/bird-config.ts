import { loopbackNetwork, type RoutedLink } from './routed-link.ts'

export interface BfdTimers {
  readonly intervalMs: number
  readonly multiplier: number
}

export interface BirdHost {
  /** Place of the host in the plan; autonomous system 4200000000 + index (RFC 6996). */
  readonly index: number
  readonly loopback: string
  readonly logFile: string
}

/**
 * Text of a bird.conf: eBGP with every neighbour, watched by BFD (RFC 5880 to 5882); the loopbacks are announced. The
 * metric of a link decides among paths of equal length, as MED.
 * @param neighbourIndex place of a neighbour in the plan
 */
export function birdConfig(
  { index, loopback, logFile }: BirdHost,
  links: readonly RoutedLink[],
  neighbourIndex: (host: string) => number,
  { intervalMs, multiplier }: BfdTimers,
): string {
  const names = links.map((link) => `"${link.interface}"`).join(', ')
  const lines = [
    `log "${logFile}" all;`,
    'timeformat log iso long us;',
    'debug protocols { states };',
    `router id ${loopback};`,
    'protocol device { }',
    'protocol direct { ipv4; interface "lo"; }',
    'protocol kernel {',
    '  ipv4 {',
    '    import none;',
    `    export filter { if source = RTS_BGP then { krt_prefsrc = ${loopback}; accept; } reject; };`,
    '  };',
    '}',
    'protocol bfd {',
    '  debug { states, events };',
    `  interface ${names} {`,
    `    min rx interval ${intervalMs} ms; min tx interval ${intervalMs} ms;`,
    // As often while a session is down (BIRD waits 1 s), so that the other end sees soon that it was begun anew.
    `    idle tx interval ${intervalMs} ms; multiplier ${multiplier};`,
    '  };',
    '}',
    'template bgp adjacency {',
    `  local as ${asOf(index)};`,
    '  direct; bfd on; check link yes; med metric on; hold time 30;',
    // Coming back soon after a fault; the defaults wait 5, 120 and 60 s.
    '  connect delay time 1; connect retry time 1; error wait time 1, 1; error forget time 1;',
    '}',
  ]
  for (const [at, { ownIpv4, otherIpv4, neighbour, cost }] of links.entries()) {
    lines.push(
      `protocol bgp link${at} from adjacency {`,
      `  description "to ${neighbour}";`,
      `  neighbor ${otherIpv4} as ${asOf(neighbourIndex(neighbour))}; source address ${ownIpv4};`,
      '  ipv4 {',
      `    import filter { bgp_med = ${cost}; accept; };`,
      `    export where net ~ ${loopbackNetwork};`,
      '    next hop self;',
      '  };',
      '}',
    )
  }
  return `${lines.join('\n')}\n`
}

function asOf(index: number): number {
  return 4_200_000_000 + index
}

/**
 * Wall-clock instants, ms since 1970, of the lines at or after `sinceWallMs` in which BIRD says that it lost a neighbour.
 * Times in the log are UTC with microseconds.
 */
export function birdAlarms(log: string, sinceWallMs: number): readonly number[] {
  const line =
    /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\.(\d{6}) <\w+> (?:\w+: Session to \S+ changed state from Up to |link\d+: State changed to stop)/gm
  return [...log.matchAll(line)]
    .map(([, day, time, micros]) => Date.parse(`${day!}T${time!}Z`) + Number(micros) / 1000)
    .filter((atMs) => atMs >= sinceWallMs)
}
