import { homeAt } from '../home.ts'
import { formatEndpoint } from '../config/endpoint.ts'
import { formatDurationMs } from '../config/units.ts'
import { fail, ok, warn, type Check } from './check.ts'

export const checkPorts: Check = async ({ config, probes, running }) => {
  if (running) return ok('held by the running node')
  const taken: string[] = []
  const impossible: string[] = []
  const wanted = config.network.listen.flatMap((endpoint) => [
    { transport: 'tcp' as const, endpoint },
    { transport: 'udp' as const, endpoint },
  ])
  if (config.http.listen !== 'off') wanted.push({ transport: 'tcp', endpoint: config.http.listen })
  for (const { transport, endpoint } of wanted) {
    const code = await probes.bindError(transport, endpoint)
    const name = `${transport} ${formatEndpoint(endpoint)}`
    if (code === 'EADDRINUSE') taken.push(name)
    else if (code !== undefined) impossible.push(`${name} (${code})`)
  }
  if (taken.length > 0)
    return fail(
      `in use by another program: ${taken.join(', ')}`,
      'ss -ltnup tells whose; or set network.listen, http.listen',
    )
  if (impossible.length > 0)
    return warn(
      `cannot be listened on: ${impossible.join(', ')}`,
      'set network.listen to addresses of this machine',
    )
  return ok(`${wanted.length} ports are free`)
}

/** The home is private, and so is every secret in it. */
export const checkHome: Check = async ({ home, probes }) => {
  let facts
  try {
    facts = await probes.facts(home)
  } catch {
    return fail(`${home} cannot be looked at`, 'run as the user the node belongs to, or as root')
  }
  if (facts === undefined) return ok(`${home} is not there yet; the first start makes it`)
  if (facts.kind !== 'directory') return fail(`${home} is no folder`, 'give another --home')
  if (facts.uid !== probes.uid && probes.uid !== 0)
    return fail(`${home} belongs to user ${facts.uid}`, 'run as that user, or as root')
  if ((facts.mode & 0o077) !== 0)
    return fail(`${home} is open to others (${octal(facts.mode)})`, `chmod 700 ${home}`)
  const open: string[] = []
  for (const folder of ['', 'identity/']) {
    for (const name of await probes.list(`${home}/${folder}`)) {
      const path = `${folder}${name}`
      const file = await probes.facts(`${home}/${path}`).catch(() => undefined)
      if (
        file?.kind === 'file' &&
        /(\.key|\.seed|\.sqlite|secret|token)/.test(name) &&
        (file.mode & 0o077) !== 0
      )
        open.push(`${path} (${octal(file.mode)})`)
    }
  }
  if (open.length > 0) return fail(`open to others: ${open.join(', ')}`, `chmod -R go-rwx ${home}`)
  return ok(`${home}, ${octal(facts.mode)}`)
}

export const checkSvid: Check = async ({ home, probes, running }) => {
  const notAfterMs = await probes.svidNotAfterMs(home)
  if (notAfterMs === undefined) {
    const identity = await probes.facts(homeAt(home).identityFile).catch(() => undefined)
    return ok(
      identity === undefined
        ? 'this node belongs to no mesh yet: x0t node start, or x0t node join'
        : 'the node does not run; its certificate is looked at when it starts',
    )
  }
  const leftMs = notAfterMs - probes.wallMs
  if (leftMs > 0) return ok(`certificate valid for ${shortDuration(leftMs)}`)
  const found = `certificate expired ${shortDuration(-leftMs)} ago`
  return running
    ? fail(found, 'is the node that holds the authority up and reachable? x0t node logs')
    : ok(`${found}; renewed at the next start`)
}

export const checkService: Check = async ({ probes, running }) => {
  const state = await probes.serviceState()
  if (state === undefined) return ok('systemd does not run here')
  const { LoadState: load, ActiveState: active, UnitFileState: file, Result: result } = state
  if (load !== 'loaded')
    return ok(running ? 'no unit; the node was started by hand' : 'no unit; x0t node install makes one')
  if (active === 'failed')
    return fail(
      `x0t.service failed (${result ?? 'unknown'})`,
      'journalctl -u x0t -n 50, then systemctl restart x0t',
    )
  if (file === 'enabled') return ok(`x0t.service is ${active ?? 'unknown'}, starts at boot`)
  return warn(`x0t.service is ${active ?? 'unknown'} and does not start at boot`, 'sudo systemctl enable x0t')
}

function octal(mode: number): string {
  return `0${(mode & 0o777).toString(8)}`
}

/** Seconds and coarser. */
function shortDuration(durationMs: number): string {
  return formatDurationMs(Math.max(1000, Math.floor(durationMs / 1000) * 1000))
}
