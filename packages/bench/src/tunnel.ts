import type { ProcessIdentity, Run } from '@x0t/testbed'
import type { Lab } from './lab.ts'

/** A way from one end of a lab to the other that can be measured. */
export interface Tunnel {
  /** As in result names: `tcp/<name>`. */
  readonly name: string
  /** Programs it needs, with the Debian package of each. */
  readonly programs: readonly Program[]
  /** How it is set up, for the notes of the report. */
  readonly setup: string
  /** Most relays between the ends that it can do. */
  readonly mostRelays: number
  /** Set where it is not bare: what the lab has to provide. */
  readonly lab?: { readonly forward?: boolean; readonly x0t?: boolean }
  /** Version of its program; undefined where it has none of its own. */
  version?(run: Run): Promise<string>
  /** Brings it up; returns when its daemons run. The lab ends them. */
  start(lab: Lab): Promise<RunningTunnel>
}

export interface Program {
  readonly program: string
  readonly package: string
}

export interface RunningTunnel {
  /** Address of the last host as seen from the first, through the tunnel. */
  readonly target: string
  /** Processes whose CPU time and memory are the tunnel's. */
  readonly daemons: readonly ProcessIdentity[]
}

/** The number in what a version flag prints; where the build left it out, the version of the Debian package. */
export async function versionOf(run: Run, argv: readonly string[], packageName: string): Promise<string> {
  const { stdout, stderr } = await run(argv, { allowFailure: true })
  const printed = /\d+(?:\.\d+)*(?:-\w+)?/.exec(`${stdout}\n${stderr}`)?.[0]
  if (printed !== undefined) return printed
  const query = ['dpkg-query', '--show', '--showformat=${Version}', packageName]
  const installed = await run(query, { allowFailure: true }).catch(() => undefined)
  return installed?.stdout.trim() || 'unknown'
}
