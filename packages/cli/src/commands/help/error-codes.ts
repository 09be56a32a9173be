import { X0tError } from '@x0t/core'

export interface ErrorCode {
  readonly code: string
  /** Package that reports it. */
  readonly package: string
  readonly meaning: string
}

type Codes = Readonly<Record<string, string>>

/** Where each package keeps its codes; loaded only for this topic. */
const sources: Readonly<Record<string, () => Promise<{ readonly errorCodes: Codes }>>> = {
  x0t: () => import('../../errors.ts'),
  '@x0t/core': () => import('@x0t/core'),
  '@x0t/keys': () => import('@x0t/keys'),
  '@x0t/identity': () => import('@x0t/identity'),
  '@x0t/session': () => import('@x0t/session'),
  '@x0t/mape-k': () => import('@x0t/mape-k'),
  '@x0t/dao': () => import('@x0t/dao'),
  '@x0t/mesh': () => import('@x0t/mesh'),
  '@x0t/tunnel': () => import('@x0t/tunnel'),
  '@x0t/libp2p': () => import('@x0t/libp2p'),
  '@x0t/local-api': () => import('@x0t/local-api'),
  '@x0t/orbit': () => import('@x0t/orbit/errors'),
  '@x0t/node': () => import('@x0t/node/errors'),
  '@x0t/testbed': () => import('@x0t/testbed'),
  '@x0t/bpf': () => import('@x0t/bpf'),
  '@x0t/bench': () => import('@x0t/bench'),
}

/**
 * All error codes, or the one asked for.
 * @throws X0tError ERROR_CODE_UNKNOWN
 */
export async function collectErrorCodes(only?: string): Promise<readonly ErrorCode[]> {
  const codes: ErrorCode[] = []
  for (const [name, load] of Object.entries(sources)) {
    const { errorCodes } = await load()
    for (const [code, meaning] of Object.entries(errorCodes)) codes.push({ code, package: name, meaning })
  }
  if (only === undefined) return codes
  const wanted = codes.filter(({ code }) => code === only.toUpperCase())
  if (wanted.length > 0) return wanted
  throw new X0tError('ERROR_CODE_UNKNOWN', `no package has the error code ${only}`, {
    hint: 'x0t help errors',
    exitCode: 2,
  })
}
