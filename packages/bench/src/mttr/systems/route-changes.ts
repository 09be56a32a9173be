/**
 * Wall-clock instant, ms since 1970, of the first change at or after `sinceWallMs` of a route that a routing daemon
 * put in; undefined if there is none.
 * @param log what `ip -ts monitor route` printed in UTC
 * @param protocol as ip names it, like `babel`
 */
export function firstRouteChange(log: string, protocol: string, sinceWallMs: number): number | undefined {
  for (const line of log.split('\n')) {
    const [, day, time, micros] = /^\[(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.(\d{6})\]/.exec(line) ?? []
    if (micros === undefined || !line.includes(` proto ${protocol} `)) continue
    const atMs = Date.parse(`${day!}T${time!}Z`) + Number(micros) / 1000
    if (atMs >= sinceWallMs) return atMs
  }
  return undefined
}
