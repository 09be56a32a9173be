import { X0tError } from '@x0t/core'
import type { MttrSystem } from '../system.ts'
import type { BabeldSettings } from './babeld-config.ts'
import { babeld } from './babeld.ts'
import type { BfdTimers } from './bird-config.ts'
import { bird } from './bird.ts'
import { nebula, tinc, yggdrasil } from './mesh-vpns.ts'
import { wireguardBabel, wireguardBird } from './wireguard-routed.ts'

/** A peer with its ways to be tuned; chosen as `name` or `name@profile`. */
export interface PeerFamily {
  readonly name: string
  /** How a profile is written, for help texts; empty where there is nothing to tune. */
  readonly profiles: string
  /** The profile where none is given. */
  readonly standard: string
  /** Undefined if there is no such profile. */
  system(name: string, profile: string): MttrSystem | undefined
}

/** Every peer that recovery is compared with. */
export const peerFamilies: readonly PeerFamily[] = [
  { name: 'babeld', ...babelProfiles('20ms', babeld) },
  { name: 'bird', ...bfdProfiles('5ms', bird) },
  { name: 'wireguard-bird', ...bfdProfiles('5ms', wireguardBird) },
  { name: 'wireguard-babel', ...babelProfiles('20ms', wireguardBabel) },
  { name: 'tinc', ...wholeSeconds(tinc) },
  { name: 'nebula', ...wholeSeconds(nebula) },
  {
    name: 'yggdrasil',
    profiles: '',
    standard: '',
    system: (name, profile) => (profile === '' ? yggdrasil(name) : undefined),
  },
]

/**
 * The peer that a word like `bird`, `bird@2ms` or `tinc@default` names.
 * @throws X0tError BENCH_PEER_UNKNOWN
 */
export function choosePeerSystem(word: string): MttrSystem {
  const [name, profile] = word.split('@', 2) as [string, string?]
  const family = peerFamilies.find((one) => one.name === name)
  if (family === undefined)
    throw unknown(
      `no peer ${JSON.stringify(name.slice(0, 40))}`,
      peerFamilies.map((one) => one.name).join(', '),
    )
  const system = family.system(word, profile ?? family.standard)
  if (system !== undefined) return system
  throw unknown(
    `${name} has no profile ${JSON.stringify(String(profile).slice(0, 40))}`,
    family.profiles === '' ? name : `${name}@PROFILE with ${family.profiles}`,
  )
}

function unknown(problem: string, known: string): X0tError {
  return new X0tError('BENCH_PEER_UNKNOWN', problem, { exitCode: 2, hint: `there is ${known}` })
}

type Profiles = Omit<PeerFamily, 'name'>

/** `5ms`: BFD every 5 ms, three missed; `default`: BIRD's own 100 ms, five missed. */
function bfdProfiles(standard: string, make: (name: string, timers: BfdTimers) => MttrSystem): Profiles {
  return {
    profiles: 'an interval of BFD from 1ms to 1000ms, three missed; or default',
    standard,
    system(name, profile) {
      if (profile === 'default') return make(name, { intervalMs: 100, multiplier: 5 })
      const intervalMs = wholeMs(profile, 1, 1000)
      return intervalMs === undefined ? undefined : make(name, { intervalMs, multiplier: 3 })
    },
  }
}

/** `20ms`: a hello every 20 ms; `default`: what babeld does by itself. */
function babelProfiles(
  standard: string,
  make: (name: string, settings: BabeldSettings) => MttrSystem,
): Profiles {
  return {
    profiles: 'an interval of hellos in steps of 10ms from 10ms to 10000ms; or default',
    standard,
    system(name, profile) {
      if (profile === 'default')
        return make(name, { helloMs: 4000, updateMs: 16_000, linkDetect: false, smoothingHalfLifeS: 4 })
      const helloMs = wholeMs(profile, 10, 10_000)
      if (helloMs === undefined || helloMs % 10 !== 0) return undefined
      return make(name, {
        helloMs,
        updateMs: Math.max(1000, helloMs * 4),
        linkDetect: true,
        smoothingHalfLifeS: 0,
      })
    },
  }
}

/** `1s`: its timers at whole seconds; `default`: as it comes. */
function wholeSeconds(make: (name: string, seconds: number | undefined) => MttrSystem): Profiles {
  return {
    profiles: 'its timers from 1s to 60s; or default',
    standard: '1s',
    system(name, profile) {
      if (profile === 'default') return make(name, undefined)
      const seconds = /^([1-9]\d?)s$/.exec(profile)?.[1]
      return seconds === undefined || Number(seconds) > 60 ? undefined : make(name, Number(seconds))
    },
  }
}

function wholeMs(text: string, least: number, most: number): number | undefined {
  const ms = Number(/^([1-9]\d{0,4})ms$/.exec(text)?.[1] ?? Number.NaN)
  return ms >= least && ms <= most ? ms : undefined
}
