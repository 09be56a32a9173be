/**
 * The daemon's HTTP routes with their schemas; client and server over a Unix socket.
 *
 * @example
 * import { openClient } from '@x0t/local-api'
 * const client = openClient({ socketPath: '/var/lib/x0t/x0t.sock' })
 * const { peers } = await client.peers()
 * for (const peer of peers) process.stdout.write(`${peer.name} ${peer.rttMs} ms\n`)
 */
export { openClient, type CallOptions, type Client, type ClientOptions } from './client.ts'
export {
  checkSocket,
  createServer,
  type Handlers,
  type HandlerContext,
  type HttpListener,
  type LocalServer,
  type ServerOptions,
} from './server.ts'
export { routes, type RequestOf, type ResponseOf, type RouteName } from './routes.ts'
export type { Route, RouteKind, RouteSchemas } from './route.ts'
export { healthReport, type HealthFacts } from './health-report.ts'
export { errorCodes } from './errors.ts'
export type { Config, LogLevel, LogLevelRequest, NodeEvent, Status, Stopped } from './schemas/node.ts'
export type { Peer, Peers, Traffic } from './schemas/peer.ts'
export type {
  MapNode,
  MeshMap,
  MeshPath,
  MeshPaths,
  MeshRoute,
  MeshRoutes,
  MeshStatus,
  PathsRequest,
  Trace,
  TraceRequest,
} from './schemas/mesh.ts'
export type {
  Ban,
  BanRequest,
  Bans,
  Invitation,
  InviteRequest,
  RevokedToken,
  RevokeTokenRequest,
  Token,
  Tokens,
  Unbanned,
  UnbanRequest,
} from './schemas/membership.ts'
export type { DaoExecuteRequest, DaoExecution, DaoStatus } from './schemas/dao.ts'
export type {
  Drill,
  DrillRequest,
  HealHistory,
  HealHistoryRequest,
  HealIncident,
  HealIncidentRequest,
  HealPolicy,
  HealStatus,
  SafeModeRequest,
  SetHealPolicyRequest,
} from './schemas/healing.ts'
export type { Health, Live, Ready } from './schemas/health.ts'
