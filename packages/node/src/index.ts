/**
 * A mesh node: everything that `x0t node` does, as a library.
 *
 * @example
 * import { loadConfig, readConfigFile } from '@x0t/node/config'
 * import { initNode, startNode } from '@x0t/node'
 * await initNode({ home, meshName: 'home', name: 'pi', log })
 * const { config } = await loadConfig({ home, readFile: readConfigFile })
 * await using node = await startNode({ home, config, log })
 */
export { initNode, type InitOptions } from './init-node.ts'
export { joinMesh, type JoinOptions } from './join-mesh.ts'
export { startNode, type MeshNode, type StartOptions } from './start-node.ts'
export { readSvid, type StoredSvid } from './read-svid.ts'
export type { NodeIdentity } from './node-identity.ts'
export { homeAt, type Home } from './home.ts'
export { errorCodes } from './errors.ts'
