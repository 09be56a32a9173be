import { join } from 'node:path'

/** Where a node keeps what it knows. All of it lies under one directory, 0700. */
export interface Home {
  readonly directory: string
  readonly configFile: string
  /** The node's identity: master seed, 0600. */
  readonly identityFile: string
  /** Certificates, tokens, known nodes, bans. */
  readonly identityDirectory: string
  /** Link-state sequence and the like. */
  readonly stateFile: string
  /** History of healing. */
  readonly healingFile: string
  /** Records of the DAO; there is a DAO once a genesis is among them. */
  readonly daoFile: string
  /** The logs that carry them to the neighbours. */
  readonly orbitFile: string
  readonly socketFile: string
  readonly logFile: string
  /** Values that votes have set and that hold, read before anything is opened. */
  readonly decisionsFile: string
  /** Files that votes have published. */
  readonly artifactsDirectory: string
}

export function homeAt(directory: string): Home {
  return {
    directory,
    configFile: join(directory, 'config.toml'),
    identityFile: join(directory, 'identity.key'),
    identityDirectory: join(directory, 'identity'),
    stateFile: join(directory, 'state.sqlite'),
    healingFile: join(directory, 'healing.sqlite'),
    daoFile: join(directory, 'dao.sqlite'),
    orbitFile: join(directory, 'orbit.sqlite'),
    socketFile: join(directory, 'x0t.sock'),
    logFile: join(directory, 'node.log'),
    decisionsFile: join(directory, 'decisions.json'),
    artifactsDirectory: join(directory, 'artifacts'),
  }
}
