import { change, get, stream, text, type Route, type RouteKind } from './route.ts'

const node = () => import('./schemas/node.ts')
const peer = () => import('./schemas/peer.ts')
const mesh = () => import('./schemas/mesh.ts')
const membership = () => import('./schemas/membership.ts')
const health = () => import('./schemas/health.ts')
const healing = () => import('./schemas/healing.ts')
const dao = () => import('./schemas/dao.ts')
const nothing = async () => (await import('./schemas/fields.ts')).nothing

/**
 * The daemon's API: the one description from which server and client both come.
 * Fields are added, never renamed; what breaks a client changes `apiVersion`.
 */
export const routes = {
  status: get({
    path: '/v1/status',
    schemas: async () => ({ request: await nothing(), response: (await node()).status }),
  }),
  config: get({
    path: '/v1/config',
    schemas: async () => ({ request: await nothing(), response: (await node()).config }),
  }),
  stop: change('POST', {
    path: '/v1/stop',
    schemas: async () => ({ request: await nothing(), response: (await node()).stopped }),
  }),
  logLevel: change('POST', {
    path: '/v1/log-level',
    schemas: async () => {
      const { logLevelRequest, logLevel } = await node()
      return { request: logLevelRequest, response: logLevel }
    },
  }),
  events: stream({
    path: '/v1/events',
    schemas: async () => ({ request: await nothing(), response: (await node()).nodeEvent }),
  }),
  metrics: text({
    path: '/metrics',
    publicPath: '/metrics',
    schemas: async () => ({ request: await nothing(), response: (await node()).metrics }),
  }),
  peers: get({
    path: '/v1/peers',
    publicPath: '/mesh/peers',
    schemas: async () => ({ request: await nothing(), response: (await peer()).peers }),
  }),
  meshStatus: get({
    path: '/mesh/status',
    publicPath: '/mesh/status',
    schemas: async () => ({ request: await nothing(), response: (await mesh()).meshStatus }),
  }),
  meshMap: get({
    path: '/v1/mesh/map',
    schemas: async () => ({ request: await nothing(), response: (await mesh()).meshMap }),
  }),
  meshRoutes: get({
    path: '/v1/mesh/routes',
    publicPath: '/mesh/routes',
    schemas: async () => ({ request: await nothing(), response: (await mesh()).meshRoutes }),
  }),
  trace: change('POST', {
    path: '/v1/mesh/trace',
    schemas: async () => {
      const { traceRequest, trace } = await mesh()
      return { request: traceRequest, response: trace }
    },
  }),
  paths: change('POST', {
    path: '/v1/mesh/paths',
    schemas: async () => {
      const { pathsRequest, meshPaths } = await mesh()
      return { request: pathsRequest, response: meshPaths }
    },
  }),
  invite: change('POST', {
    path: '/v1/invite',
    schemas: async () => {
      const { inviteRequest, invitation } = await membership()
      return { request: inviteRequest, response: invitation }
    },
  }),
  tokens: get({
    path: '/v1/tokens',
    schemas: async () => ({ request: await nothing(), response: (await membership()).tokens }),
  }),
  revokeToken: change('DELETE', {
    path: '/v1/tokens/:id',
    schemas: async () => {
      const { revokeTokenRequest, revokedToken } = await membership()
      return { request: revokeTokenRequest, response: revokedToken }
    },
  }),
  bans: get({
    path: '/v1/bans',
    schemas: async () => ({ request: await nothing(), response: (await membership()).bans }),
  }),
  ban: change('POST', {
    path: '/v1/ban',
    schemas: async () => {
      const { banRequest, ban } = await membership()
      return { request: banRequest, response: ban }
    },
  }),
  unban: change('POST', {
    path: '/v1/unban',
    schemas: async () => {
      const { unbanRequest, unbanned } = await membership()
      return { request: unbanRequest, response: unbanned }
    },
  }),
  healStatus: get({
    path: '/v1/heal/status',
    schemas: async () => ({ request: await nothing(), response: (await healing()).healStatus }),
  }),
  healHistory: get({
    path: '/v1/heal/incidents',
    schemas: async () => {
      const { healHistoryRequest, healHistory } = await healing()
      return { request: healHistoryRequest, response: healHistory }
    },
  }),
  healIncident: get({
    path: '/v1/heal/incidents/:id',
    schemas: async () => {
      const { healIncidentRequest, incident } = await healing()
      return { request: healIncidentRequest, response: incident }
    },
  }),
  healPolicy: get({
    path: '/v1/heal/policy',
    schemas: async () => ({ request: await nothing(), response: (await healing()).healPolicy }),
  }),
  setHealPolicy: change('POST', {
    path: '/v1/heal/policy',
    schemas: async () => {
      const { setHealPolicyRequest, healPolicy } = await healing()
      return { request: setHealPolicyRequest, response: healPolicy }
    },
  }),
  safeMode: change('POST', {
    path: '/v1/heal/safe-mode',
    schemas: async () => {
      const { safeModeRequest, healStatus } = await healing()
      return { request: safeModeRequest, response: healStatus }
    },
  }),
  drill: change('POST', {
    path: '/v1/heal/drill',
    schemas: async () => {
      const { drillRequest, drill } = await healing()
      return { request: drillRequest, response: drill }
    },
  }),
  daoStatus: get({
    path: '/v1/dao/status',
    schemas: async () => ({ request: await nothing(), response: (await dao()).daoStatus }),
  }),
  /** Another process wrote to `dao.sqlite`: it is looked at now, and what is new goes to the neighbours. */
  daoSync: change('POST', {
    path: '/v1/dao/sync',
    schemas: async () => ({ request: await nothing(), response: (await dao()).daoStatus }),
  }),
  daoExecute: change('POST', {
    path: '/v1/dao/execute',
    schemas: async () => {
      const { daoExecuteRequest, daoExecution } = await dao()
      return { request: daoExecuteRequest, response: daoExecution }
    },
  }),
  health: get({
    path: '/health',
    publicPath: '/health',
    schemas: async () => ({ request: await nothing(), response: (await health()).health }),
  }),
  live: get({
    path: '/health/live',
    publicPath: '/health/live',
    schemas: async () => ({ request: await nothing(), response: (await health()).live }),
  }),
  ready: get({
    path: '/health/ready',
    publicPath: '/health/ready',
    schemas: async () => ({ request: await nothing(), response: (await health()).ready }),
    statusOf: (response) => (response.status === 'ready' ? 200 : 503),
  }),
} as const

/** Version of the API; the server names it in each answer, the client refuses another. */
export const apiVersion = '1'
export const apiVersionHeader = 'x0t-api'

export type RouteName = keyof typeof routes
type Parts<Name extends RouteName> =
  (typeof routes)[Name] extends Route<infer Kind, infer Request, infer Response>
    ? { kind: Kind; request: Request; response: Response }
    : never

/** What a caller of the route sends. */
export type RequestOf<Name extends RouteName> = Parts<Name>['request']

/** What the route answers; of a stream, one element. */
export type ResponseOf<Name extends RouteName> = Parts<Name>['response']

export type KindOf<Name extends RouteName> = Parts<Name>['kind'] & RouteKind
