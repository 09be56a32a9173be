import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { X0tError } from '@x0t/core'
import type {
  DaoState,
  MemberId,
  OwnRecordStore,
  RecordId,
  Replay,
  SignedRecord,
  UnsignedRecord,
} from '@x0t/dao'
import type { Identity } from '@x0t/keys'
import type { CommandContext } from '../../main.ts'
import { homeOf, type HomeOption } from '../node/home-option.ts'

/** The DAO of a home: its records and what they say. */
export interface OpenDao extends AsyncDisposable {
  readonly home: string
  readonly store: OwnRecordStore
  /** What the records say now; the same object until there are more. */
  state(): Promise<DaoState>
  /** True if this record was here at the last look at the state, and holds. */
  holds(id: RecordId): boolean
}

/** Where the records of a home lie. */
export function storeFileOf(home: string): string {
  return join(home, 'dao.sqlite')
}

/**
 * Opens the DAO of a home, with or without a daemon beside.
 * @throws X0tError DAO_NOT_HERE where the home has none
 */
export async function openDao(options: HomeOption, context: CommandContext): Promise<OpenDao> {
  const home = await homeOf(options, context)
  if (!existsSync(storeFileOf(home))) throw notHere(home)
  const dao = await openStoreOf(home)
  try {
    await dao.state()
    return dao
  } catch (error) {
    await dao[Symbol.asyncDispose]()
    throw error
  }
}

/** Opens the store of a home, which may hold no DAO yet; `state` throws DAO_NOT_HERE while it does not. */
export async function openStoreOf(home: string): Promise<OpenDao> {
  const { createReplay, createVerifier, findGenesis, openRecordStore } = await import('@x0t/dao')
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openRecordStore(storeFileOf(home)))
  const verifier = stack.use(createVerifier())
  const taken = new Set<RecordId>()
  let replay: Replay | undefined
  const resources = stack.move()
  return {
    home,
    store,
    async state() {
      const fresh: SignedRecord[] = []
      for await (const signed of store.all()) if (!taken.has(signed.id)) fresh.push(signed)
      if (replay === undefined) {
        if (!fresh.some(({ record }) => record.kind === 'genesis')) throw notHere(home)
        replay = createReplay(findGenesis(fresh))
      }
      if (fresh.length > 0) await replay.addAll(fresh, { verifier })
      for (const { id } of fresh) taken.add(id)
      return replay.state()
    },
    holds: (id) => replay?.has(id) ?? false,
    [Symbol.asyncDispose]: async () => resources.disposeAsync(),
  }
}

/** Signs what a member has to say, as the next record of its lane, and keeps it. */
export async function signNext(
  { store }: Pick<OpenDao, 'store'>,
  signer: { readonly identity: Identity; readonly author: MemberId; readonly dao: RecordId | null },
  { kind, lane, body }: UnsignedRecord,
): Promise<SignedRecord> {
  const { signRecord } = await import('@x0t/dao')
  const { identity, author, dao } = signer
  return store.append(author, lane, (seq, prev) =>
    signRecord(identity, { dao, author, lane, seq, prev, atMs: Date.now() }, kind, body),
  )
}

function notHere(home: string): X0tError {
  return new X0tError('DAO_NOT_HERE', `${home} holds no DAO`, {
    hint: 'x0t dao init --name NAME founds one; x0t dao import FILE brings another',
  })
}
