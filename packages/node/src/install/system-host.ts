import { execFile } from 'node:child_process'
import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { hasCode } from '@x0t/core'
import type { InstallHost } from './install-service.ts'

/** This machine, for an installation. */
export function systemInstallHost(): InstallHost {
  const modeOf = async (path: string): Promise<number | undefined> => {
    try {
      return (await stat(path)).mode
    } catch (error) {
      if (hasCode(error, 'ENOENT') || hasCode(error, 'EACCES') || hasCode(error, 'ENOTDIR')) return undefined
      throw error
    }
  }
  return {
    uid: process.getuid?.() ?? -1,
    async readFile(path) {
      try {
        return await readFile(path, 'utf8')
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return undefined
        throw error
      }
    },
    async writeFile(path, content, mode) {
      const draft = `${path}.${process.pid}.tmp`
      await writeFile(draft, content, { mode })
      await rename(draft, path)
    },
    mode: modeOf,
    run: (program, args) =>
      new Promise((resolve) => {
        execFile(program, [...args], { timeout: 90_000, maxBuffer: 1 << 20 }, (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
          resolve({ code, text: `${stdout}${stderr}` })
        })
      }),
    systemdRuns: async () => (await modeOf('/run/systemd/system')) !== undefined,
  }
}
