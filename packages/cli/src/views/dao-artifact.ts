import type { listArtifacts } from '@x0t/node/artifacts'
import { columns } from './table.ts'
import { safe } from './node.ts'

export function artifactsView({ artifacts, damaged }: Awaited<ReturnType<typeof listArtifacts>>): string {
  const table =
    artifacts.length === 0
      ? 'no published files'
      : columns(
          ['NAME', 'KIND', 'BYTES', 'SIGNED BY', 'PROPOSAL', 'FILE'],
          artifacts.map((one) => [
            one.name,
            one.artifact,
            String(one.sizeBytes),
            safe(one.signer),
            safe(one.proposal),
            safe(one.path),
          ]),
        )
  const told = damaged.map((folder) => `damaged: ${safe(folder)}; remove the folder`)
  return [table, ...told].join('\n')
}
