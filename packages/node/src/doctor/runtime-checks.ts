import { homeAt } from '../home.ts'
import { formatBytes, formatDurationMs } from '../config/units.ts'
import { fail, ok, warn, type Check } from './check.ts'

export const checkFfi: Check = async ({ probes }) => {
  const problem = await probes.ffiProblem()
  if (problem === undefined) return ok(`node ${probes.nodeVersion} calls libc`)
  return fail(
    `native calls (node:ffi) do not work: ${problem}`,
    'start through bin/x0t, which brings its own Node 26, without --no-experimental-ffi',
  )
}

export const checkOpenssl: Check = async ({ probes }) => {
  const missing = await probes.missingAlgorithms()
  if (missing.length === 0) return ok('X25519MLKEM768, ML-KEM-768, ML-DSA-65')
  return fail(
    `the OpenSSL in node ${probes.nodeVersion} lacks ${missing.join(', ')}`,
    'start through bin/x0t, which brings a Node with OpenSSL 3.5',
  )
}

const dayMs = 86_400_000

/** Certificates live for an hour: a clock that is off by more locks the node out. */
export const checkClock: Check = async ({ home, config, probes }) => {
  const built = await probes.programBuiltMs()
  const state = await probes.facts(homeAt(home).stateFile).catch(() => undefined)
  const newest = Math.max(built, state?.modifiedMs ?? 0)
  if (probes.wallMs < newest - dayMs) {
    const now = new Date(probes.wallMs).toISOString().slice(0, 16)
    return fail(
      `the clock says ${now}, but files here are from ${new Date(newest).toISOString().slice(0, 10)}`,
      'sudo timedatectl set-ntp true, or set the clock; certificates are refused until then',
    )
  }
  const facts = await probes.clock()
  if (facts === undefined)
    return warn('the kernel does not say whether the clock is right', 'run an NTP client')
  if (!facts.synchronised)
    return warn(
      `no NTP client keeps the clock; certificates live ${formatDurationMs(config.identity.svidTtlMs)}`,
      'sudo timedatectl set-ntp true (systemd-timesyncd), or install chrony',
    )
  if (facts.maxErrorMs > 10_000)
    return warn(
      `synchronised, but possibly ${Math.round(facts.maxErrorMs / 1000)} s off`,
      'chronyc tracking, or timedatectl',
    )
  return ok(`synchronised, at most ${Math.ceil(facts.maxErrorMs)} ms off`)
}

export const checkMemory: Check = async ({ probes }) => {
  const bytes = probes.availableMemoryBytes()
  const found = `${formatBytes(bytes)} available`
  if (bytes < 96 * 2 ** 20)
    return fail(found, 'a node needs about 128 MiB: close programs, raise the limit, add swap')
  if (bytes < 192 * 2 ** 20) return warn(found, 'a node needs about 128 MiB; leave it some room')
  return ok(found)
}

export const checkDisk: Check = async ({ home, probes }) => {
  const bytes = await probes.freeDiskBytes(home)
  const found = `${formatBytes(bytes)} free for ${home}`
  if (bytes < 16 * 2 ** 20) return fail(found, 'make room: a node that cannot write its keys does not start')
  if (bytes < 256 * 2 ** 20) return warn(found, 'make room: logs and state need some')
  return ok(found)
}
