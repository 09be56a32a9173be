import { join } from 'node:path'
import {
  createGenesis,
  createProposal,
  createReplay,
  createVote,
  defaultRules,
  findGenesis,
  memberKeysOf,
  openRecordStore,
  signRecord,
  type Action,
  type Constitution,
  type DaoState,
  type OwnRecordStore,
  type SignedRecord,
  type UnsignedRecord,
} from '@x0t/dao'
import { readIdentityFile, type Identity } from '@x0t/keys'

/** The DAO of a home as the command line sees it: the file, beside whatever daemon runs. */
export class DaoHome implements AsyncDisposable {
  readonly identity: Identity
  readonly store: OwnRecordStore

  private constructor(identity: Identity, store: OwnRecordStore) {
    this.identity = identity
    this.store = store
  }

  static async open(home: string): Promise<DaoHome> {
    const { identity, masterSeed } = await readIdentityFile(join(home, 'identity.key'))
    masterSeed.fill(0)
    return new DaoHome(identity, await openRecordStore(join(home, 'dao.sqlite')))
  }

  async found(members: readonly Identity[], changes: Partial<Constitution> = {}): Promise<SignedRecord> {
    const genesis = createGenesis(
      {
        name: 'Loop',
        symbol: 'L',
        tokenDecimals: 0,
        registrars: [this.identity.nodeId],
        registrarsNeeded: 1,
        witnesses: 'members',
        guardians: [],
        rules: defaultRules,
        votingMs: 1,
        graceMs: 1000,
        timelockMs: 1,
        expiresMs: 600_000,
        maxOpenProposals: 8,
        ...changes,
      },
      members.map((identity, index) => ({
        id: identity.nodeId,
        name: `m${index}`,
        keys: memberKeysOf(identity),
        balance: '100',
      })),
    )
    return this.sign(genesis, null)
  }

  async state(): Promise<DaoState> {
    const records: SignedRecord[] = []
    for await (const signed of this.store.all()) records.push(signed)
    const replay = createReplay(findGenesis(records))
    await replay.addAll(records)
    return replay.state()
  }

  async propose(title: string, votingMs: number, actions: readonly Action[] = []): Promise<SignedRecord> {
    const state = await this.state()
    const opensMs = Date.now()
    return this.sign(
      createProposal(state, {
        author: this.identity.nodeId,
        title,
        text: '',
        choices: [
          { label: 'yes', role: 'for' },
          { label: 'no', role: 'against' },
        ],
        opensMs,
        closesMs: opensMs + votingMs,
        actions,
      }),
      state.dao,
    )
  }

  async vote(proposal: SignedRecord, choice: number): Promise<SignedRecord> {
    const state = await this.state()
    const ballot = { kind: 'single', choice } as const
    const vote = { proposal: proposal.id, ballot, nowMs: Date.now() }
    return this.sign(createVote(state, this.identity.nodeId, vote), state.dao)
  }

  async sign({ kind, lane, body }: UnsignedRecord, dao: SignedRecord['id'] | null): Promise<SignedRecord> {
    const author = this.identity.nodeId
    return this.store.append(author, lane, (seq, prev) =>
      signRecord(this.identity, { dao, author, lane, seq, prev, atMs: Date.now() }, kind, body),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]()
  }
}
