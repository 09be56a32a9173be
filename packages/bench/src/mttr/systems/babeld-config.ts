import { loopbackNetwork, type RoutedLink } from './routed-link.ts'

export interface BabeldSettings {
  /** Multiples of 10 ms, the unit of the protocol (RFC 8966, 4.6.5). */
  readonly helloMs: number
  readonly updateMs: number
  /** Whether loss of carrier counts; babeld's default is no. */
  readonly linkDetect: boolean
  /** Half-life of the smoothed metric that a better route is compared by; babeld's default is 4 s. */
  readonly smoothingHalfLifeS: number
}

/** Text of a babeld.conf. Interfaces are called wired: two hellos missed of three, and the link is lost. */
export function babeldConfig(
  { loopback, stateFile }: { readonly loopback: string; readonly stateFile: string },
  links: readonly RoutedLink[],
  { helloMs, updateMs, linkDetect, smoothingHalfLifeS }: BabeldSettings,
): string {
  const lines = [
    'random-id true',
    `state-file ${stateFile}`,
    `link-detect ${linkDetect}`,
    `smoothing-half-life ${smoothingHalfLifeS}`,
    `default type wired hello-interval ${helloMs / 1000} update-interval ${updateMs / 1000}`,
    ...links.map((link) => `interface ${link.interface} rxcost ${link.cost}`),
    `redistribute local ip ${loopbackNetwork} allow`,
    'redistribute local deny',
    `install pref-src ${loopback}`,
  ]
  return `${lines.join('\n')}\n`
}
