/** Runs a program and gives its standard output. */
export type Run = (command: string, words: readonly string[]) => Promise<string>

/** The XDP program on an interface, whoever put it there. */
export interface InterfaceXdp {
  readonly programId: number
  readonly name: string | undefined
  /** `native`, `generic` or `offloaded`. */
  readonly mode: string
}

const modes: Readonly<Record<number, string>> = { 1: 'native', 2: 'generic', 3: 'offloaded' }

/** The XDP program that `ip` sees on an interface; undefined where there is none, or ip cannot tell. */
export async function xdpOnInterface(name: string, run: Run): Promise<InterfaceXdp | undefined> {
  let links: unknown
  try {
    links = JSON.parse(await run('ip', ['-json', '-details', 'link', 'show', 'dev', name]))
  } catch (error) {
    // It only helps to explain a refusal: without it the refusal stands.
    if (error instanceof Error) return undefined
    throw error
  }
  const [link] = links as readonly { readonly xdp?: XdpJson }[]
  const { xdp } = link ?? {}
  const program = xdp?.attached?.[0]?.prog ?? xdp?.prog
  if (program?.id === undefined) return undefined
  const mode = xdp?.attached?.[0]?.mode ?? xdp?.mode ?? 0
  return { programId: program.id, name: program.name, mode: modes[mode] ?? `mode ${mode}` }
}

interface XdpJson {
  readonly mode?: number
  readonly prog?: { readonly id?: number; readonly name?: string }
  readonly attached?: readonly {
    readonly mode?: number
    readonly prog?: { readonly id?: number; readonly name?: string }
  }[]
}
