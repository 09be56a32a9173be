import { execFileSync } from 'node:child_process'

/** Why programs cannot be loaded here, or undefined. */
export function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  try {
    execFileSync('unshare', ['--net', 'ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1'], {
      stdio: 'ignore',
    })
  } catch {
    return 'needs unshare and ip to make network namespaces'
  }
  return undefined
}

/** Options of tests that load programs: they skip where that cannot be, and fail under CI. */
export function requireKernel(t: { fail(message: string): unknown }): { readonly skip?: string } {
  const lacks = missing()
  if (lacks === undefined) return {}
  if (process.env['CI'] === 'true') t.fail(`eBPF: ${lacks}`)
  return { skip: lacks }
}
