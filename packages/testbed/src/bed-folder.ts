import { access, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { hash } from 'node:crypto'
import { join } from 'node:path'
import { hasCode, X0tError } from '@x0t/core'
import type { z } from 'zod'
import { activeFaultSchema, hostProcessSchema, manifestSchema } from './manifest.ts'
import type { ActiveFault, HostProcess, Manifest } from './manifest.ts'

/** Most bytes of a record; a manifest of 500 hosts takes about half a megabyte. */
const maxRecordBytes = 16 * 2 ** 20

/** Where the records of testbeds lie: `/run/x0t-testbed` for root, else in the user's run folder. */
export function defaultRunFolder(uid: number, env: Readonly<Record<string, string | undefined>>): string {
  const own = env['XDG_RUNTIME_DIR']
  return uid === 0 || own === undefined || own === '' ? '/run/x0t-testbed' : join(own, 'x0t-testbed')
}

/** The folder of one testbed. Records are replaced whole, by rename, so a reader sees the old or the new one. */
export interface BedFolder {
  readonly path: string
  readonly runFolder: string
  hostFolder(host: string): string
  exists(): Promise<boolean>
  manifest(): Promise<Manifest>
  process(host: string): Promise<HostProcess | undefined>
  writeProcess(host: string, record: HostProcess): Promise<void>
  faults(): Promise<readonly ActiveFault[]>
  /** False if this fault is recorded already. */
  addFault(fault: ActiveFault): Promise<boolean>
  removeFault(fault: Pick<ActiveFault, 'target' | 'kind'>): Promise<void>
  remove(): Promise<void>
}

export function bedFolder(runFolder: string, bed: string): BedFolder {
  const path = join(runFolder, bed)
  const faultFile = ({ target, kind }: Pick<ActiveFault, 'target' | 'kind'>): string =>
    join(path, 'faults', `${fileWord(target)}.${kind}.json`)
  const hostFolder = (host: string): string => join(path, 'hosts', host)
  return {
    path,
    runFolder,
    hostFolder,
    exists: () =>
      access(join(path, 'manifest.json')).then(
        () => true,
        () => false,
      ),
    async manifest() {
      const manifest = await readRecord(join(path, 'manifest.json'), manifestSchema)
      if (manifest === undefined) {
        throw new X0tError('TESTBED_NOT_FOUND', `no testbed ${bed} in ${runFolder}`, {
          hint: 'x0t testbed up, or x0t testbed status --all',
        })
      }
      return manifest
    },
    process: (host) => readRecord(join(hostFolder(host), 'process.json'), hostProcessSchema),
    writeProcess: (host, record) => writeRecord(join(hostFolder(host), 'process.json'), record),
    async faults() {
      const found: ActiveFault[] = []
      for (const name of (await listFolder(join(path, 'faults'))).toSorted()) {
        if (!name.endsWith('.json')) continue
        const fault = await readRecord(join(path, 'faults', name), activeFaultSchema)
        if (fault !== undefined) found.push(fault)
      }
      return found
    },
    async addFault(fault) {
      try {
        await writeFile(faultFile(fault), JSON.stringify(fault), { flag: 'wx', mode: 0o600 })
        return true
      } catch (error) {
        if (hasCode(error, 'EEXIST')) return false
        throw error
      }
    },
    removeFault: (fault) => rm(faultFile(fault), { force: true }),
    async remove() {
      // The manifest goes last: a `down` that is killed halfway can be repeated.
      await rm(join(path, 'hosts'), { recursive: true, force: true })
      await rm(join(path, 'faults'), { recursive: true, force: true })
      await rm(path, { recursive: true, force: true })
      await rmdir(runFolder).catch(() => {}) // other testbeds are in it
    },
  }
}

/**
 * Makes the folder of a testbed with its manifest, both at once.
 * @throws X0tError TESTBED_EXISTS
 */
export async function makeBedFolder(runFolder: string, manifest: Manifest): Promise<BedFolder> {
  const folder = bedFolder(runFolder, manifest.plan.bed)
  await mkdir(runFolder, { recursive: true, mode: 0o700 })
  const draft = join(runFolder, `.${manifest.plan.bed}.${process.pid}`)
  try {
    await mkdir(join(draft, 'faults'), { recursive: true, mode: 0o700 })
    for (const { name } of manifest.plan.hosts) await mkdir(join(draft, 'hosts', name), { recursive: true })
    await writeRecord(join(draft, 'manifest.json'), manifest)
    await rename(draft, folder.path)
    return folder
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error
    throw new X0tError('TESTBED_EXISTS', `testbed ${manifest.plan.bed} is there already`, {
      cause: error,
      hint: `x0t testbed down --bed ${manifest.plan.bed}`,
    })
  }
}

/** Names of the testbeds in a run folder. */
export async function listBeds(runFolder: string): Promise<readonly string[]> {
  return (await listFolder(runFolder)).filter((name) => !name.startsWith('.')).toSorted()
}

/** A target as part of a file name; a long set of hosts by its hash. */
function fileWord(target: string): string {
  const word = target.replace(':', '-')
  return word.length <= 100 ? word : `${word.slice(0, 40)}-${hash('sha256', word).slice(0, 32)}`
}

async function listFolder(path: string): Promise<readonly string[]> {
  return readdir(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  })
}

async function readRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  if (text === undefined) return undefined
  try {
    if (text.length > maxRecordBytes) throw new RangeError(`longer than ${maxRecordBytes} bytes`)
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw new X0tError('TESTBED_MANIFEST_BROKEN', `cannot understand ${path}`, { cause: error })
  }
}

async function writeRecord(path: string, record: unknown): Promise<void> {
  const draft = `${path}.${process.pid}.new`
  await writeFile(draft, JSON.stringify(record, null, 1), { mode: 0o600 })
  await rename(draft, path)
}
