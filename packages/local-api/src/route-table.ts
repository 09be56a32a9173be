import type { ZodType } from 'zod'
import { X0tError } from '@x0t/core'
import { routes, type RouteName } from './routes.ts'
import type { Route, RouteKind } from './route.ts'

/** A route ready to serve: path split, schemas loaded. */
export interface ServedRoute {
  readonly name: RouteName
  readonly kind: RouteKind
  readonly method: string
  readonly request: ZodType
  readonly response: ZodType
  statusOf(response: unknown): number
}

/** The routes of one listener. */
export interface RouteTable {
  /**
   * The route for a path and the fields that the path names.
   * @throws X0tError ROUTE_UNKNOWN
   */
  find(method: string, path: string): { readonly route: ServedRoute; readonly fields: Record<string, string> }
}

/** Loads the schemas of all routes; `public` keeps those of the read-only TCP listener. */
export async function loadRoutes(listener: 'socket' | 'public'): Promise<RouteTable> {
  const served: { readonly segments: readonly string[]; readonly route: ServedRoute }[] = []
  for (const name of Object.keys(routes) as RouteName[]) {
    const described = routes[name] as Route<RouteKind, unknown, unknown>
    const { kind, method, path, publicPath } = described
    const at = listener === 'socket' ? path : publicPath
    if (at === undefined) continue
    const { request, response } = await described.schemas()
    const statusOf = (value: unknown): number => described.statusOf?.(value) ?? 200
    served.push({
      segments: at.split('/'),
      route: { name, kind, method, request, response, statusOf },
    })
  }
  return {
    find(method, path) {
      const segments = path.split('/')
      for (const { segments: pattern, route } of served) {
        const fields = route.method === method ? matchSegments(pattern, segments) : undefined
        if (fields !== undefined) return { route, fields }
      }
      throw new X0tError('ROUTE_UNKNOWN', `there is no ${method} ${path.slice(0, 128)} here`)
    },
  }
}

function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined
  const fields: Record<string, string> = {}
  for (const [index, expected] of pattern.entries()) {
    const segment = segments[index]!
    if (!expected.startsWith(':')) {
      if (segment !== expected) return undefined
      continue
    }
    try {
      fields[expected.slice(1)] = decodeURIComponent(segment)
    } catch {
      return undefined // a broken percent escape names nothing
    }
  }
  return fields
}
