// A program, run by node on a host: a data plane with keys and routes that it is told, until its standard input ends.
import { silentLog } from '@x0t/core'
import { openDataPlane } from '@x0t/tunnel'
import type { PlaneJob, PlaneReply } from './relay-hosts.ts'
import { addressOf, labelOf, neighbourOf, planePort, routeOf } from './static-mesh.ts'

const { self, neighbours, routes, fastPath } = JSON.parse(process.argv[2]!) as PlaneJob
await using plane = await openDataPlane({
  selfLabel: labelOf(self),
  selfAddress: addressOf(self),
  udp: { port: planePort },
  ...(fastPath ? { fastPath: { mode: 'on', labelOf } as const } : {}),
  log: silentLog,
})
const waiting = new Set(neighbours.map(({ host }) => host))
const up = Promise.withResolvers<void>()
plane.onEvent((event) => {
  if (event.kind === 'neighbour-up') waiting.delete(event.neighbour)
  if (waiting.size === 0) up.resolve()
})
for (const { host, ipv4 } of neighbours) plane.setNeighbour(neighbourOf(self, host, ipv4))
plane.setRoutes(routes.map(({ to, via }) => routeOf(to, via)))
await up.promise
const reply: PlaneReply = { path: plane.fastPath().path }
process.stdout.write(`${JSON.stringify(reply)}\n`)
process.stdin.resume()
await new Promise((resolve) => process.stdin.once('close', resolve))
