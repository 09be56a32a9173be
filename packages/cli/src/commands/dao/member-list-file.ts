import { dirname, resolve } from 'node:path'
import { messageOf, X0tError } from '@x0t/core'
import type { Amount } from '@x0t/dao'
import type { PublicIdentity } from '@x0t/keys'
import { parseTokens } from './token-amount.ts'

/** One line of a list of members, checked. */
export interface ListedMember {
  readonly line: number
  readonly name: string
  readonly identity: PublicIdentity
  readonly balance: Amount
}

/** Most lines of a list, and its largest size. */
export const maxListedMembers = 10_000
export const maxListBytes = 16 * 2 ** 20

interface Row {
  readonly line: number
  readonly fields: Readonly<Record<string, string>>
}

/**
 * Reads a list of members: CSV with a head line, or a JSON array of objects. Fields: `file` (the member's public
 * identity, relative to the list), and optional `name`, `id`, `balance`.
 * @returns members, or what is wrong with each line that does not hold
 * @throws X0tError DAO_LIST_UNREADABLE if it is no list at all
 */
export async function readMemberList(
  path: string,
  text: string,
  options: {
    readonly tokenDecimals: number
    /** Base units of a member whose line names none. */
    readonly balance: Amount
    readonly readIdentity: (file: string) => Promise<PublicIdentity>
  },
): Promise<{ readonly members: readonly ListedMember[]; readonly problems: readonly string[] }> {
  const rows = /^\s*\[/.test(text) ? rowsOfJson(path, text) : await rowsOfCsv(path, text)
  if (rows.length > maxListedMembers) throw unreadable(path, `it has more than ${maxListedMembers} lines`)
  const members: ListedMember[] = []
  const problems: string[] = []
  const seen = new Map<string, number>()
  for (const row of rows) {
    try {
      const member = await memberOf(row, dirname(path), options)
      const before = seen.get(member.identity.nodeId)
      if (before !== undefined) throw new RangeError(`the same member as on line ${before}`)
      seen.set(member.identity.nodeId, row.line)
      members.push(member)
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof X0tError)) throw error
      problems.push(`line ${row.line}: ${messageOf(error)}`)
    }
  }
  return { members, problems }
}

async function memberOf(
  { line, fields }: Row,
  folder: string,
  options: Parameters<typeof readMemberList>[2],
): Promise<ListedMember> {
  const { file = '', name = '', id = '', balance = '' } = fields
  for (const field of Object.keys(fields))
    if (!['file', 'name', 'id', 'balance'].includes(field))
      throw new RangeError(`${JSON.stringify(field)} is no field: file, name, id, balance are`)
  if (file === '') throw new RangeError('no file with the public identity is named')
  const identity = await options.readIdentity(resolve(folder, file))
  if (id !== '' && id !== identity.nodeId)
    throw new RangeError(`the keys in ${file} belong to ${identity.nodeId}, not to ${id}`)
  return {
    line,
    name: name === '' ? identity.name : name,
    identity,
    balance: balance === '' ? options.balance : balanceOf(balance, options.tokenDecimals),
  }
}

function balanceOf(text: string, tokenDecimals: number): Amount {
  try {
    return parseTokens(text, tokenDecimals)
  } catch (error) {
    throw new RangeError(`balance ${JSON.stringify(text)}: expected ${messageOf(error)}`, { cause: error })
  }
}

function rowsOfJson(path: string, text: string): readonly Row[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw unreadable(path, messageOf(error), error)
  }
  if (!Array.isArray(value)) throw unreadable(path, 'it is no array')
  return value.map((entry: unknown, index): Row => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
      throw unreadable(path, `entry ${index + 1} is no object`)
    const fields = Object.entries(entry).map(([key, field]): [string, string] => {
      // A number of JSON is a float for whoever reads it: amounts are text.
      if (typeof field !== 'string') throw unreadable(path, `${key} of entry ${index + 1} is not text`)
      return [key, field]
    })
    return { line: index + 1, fields: Object.fromEntries(fields) }
  })
}

/** With `columns` and `info` the parser gives these, which its types do not tell. */
interface CsvRow {
  readonly record: Readonly<Record<string, string>>
  readonly info: { readonly lines: number }
}

async function rowsOfCsv(path: string, text: string): Promise<readonly Row[]> {
  const { parse } = await import('csv-parse/sync')
  try {
    const rows: unknown = parse(text, {
      columns: true,
      trim: true,
      skip_empty_lines: true,
      bom: true,
      info: true,
    })
    return (rows as readonly CsvRow[]).map(({ record, info }) => ({ line: info.lines, fields: record }))
  } catch (error) {
    throw unreadable(path, messageOf(error), error)
  }
}

function unreadable(path: string, why: string, cause?: unknown): X0tError {
  return new X0tError('DAO_LIST_UNREADABLE', `${path} is no list of members: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'CSV with the head line file,name,balance, or a JSON array of such objects',
    exitCode: 2,
  })
}
