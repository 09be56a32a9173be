import { isAbsolute, resolve } from 'node:path'

export { homeAt, type Home } from '../home.ts'

/** What decides where a node keeps its state. */
export interface HomeSources {
  /** Value of `--home`. */
  readonly flag?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly uid: number
  /** Home folder of the user. */
  readonly userHome: string
  /** Folder against which a relative `--home` is taken. */
  readonly workingFolder: string
}

/**
 * Folder of a node's state, absolute: `--home`, `X0T_HOME`, else `/var/lib/x0t` for root,
 * else `x0t` in `$XDG_STATE_HOME` (default `~/.local/state`).
 */
export function resolveHome({ flag, env, uid, userHome, workingFolder }: HomeSources): string {
  const named = flag ?? env['X0T_HOME']
  if (named !== undefined && named !== '') return resolve(workingFolder, named)
  if (uid === 0) return '/var/lib/x0t'
  const state = env['XDG_STATE_HOME']
  // The XDG specification says to ignore a relative path.
  return state !== undefined && isAbsolute(state) ? `${state}/x0t` : `${userHome}/.local/state/x0t`
}
