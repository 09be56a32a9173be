import { readFile } from 'node:fs/promises'
import { messageOf, X0tError } from '@x0t/core'
import { actionWords, type DaoState, type MemberId } from '@x0t/dao'
import { writeSecretFile } from '@x0t/keys'
import type { Decision } from './decision.ts'
import { decisionsText } from './decisions-file.ts'
import { decisionOf, inOrder, lastOfEach, type DueAction } from './lasting-decisions.ts'
import { obstacleTo, readBack, valueNow } from './lasting-effects.ts'
import { carryOutOnce, type Effect } from './one-time-effects.ts'
import { plannedChange } from './planned-change.ts'
import type { Executor, ExecutorOptions } from './ports.ts'
import { createStandings } from './standings.ts'

/** What is waited for, as a ban that another node has to sign, is looked at again after this long. */
const againMs = 5000
/** Clocks jump, and machines sleep: no wait for a time is longer. */
const longestWaitMs = 60_000

/**
 * Carries out decisions on this node. A decision about a value is laid over what default and file say, from when it is
 * due until a later one about the same value; what is done once is done once. A report is written after the effect was
 * read back, never before; what was done and not yet reported is found done after a restart.
 */
export function createExecutor(options: ExecutorOptions): Executor {
  const { self, dao, targets, events, clock, log } = options
  const member = (): MemberId | undefined => dao.member()
  const standingsOf = createStandings(member, (proposal, nowMs) => dao.resultOf(proposal, nowMs))
  /** What this process has settled: the records tell it too, a moment later, if this node is a member. */
  const settled = new Map<string, 'executed' | 'failed' | 'elsewhere'>()
  /** What is waited for: why an action that expires has failed. */
  const waits = new Map<string, string>()
  let heldText: string | undefined
  let isStopped = false
  let isAsked = false
  let running: Promise<void> | undefined
  let cancelTimer = (): void => {}

  const settle = async (
    { proposal, action, body }: DueAction,
    outcome: 'executed' | 'failed',
    detail: string,
  ): Promise<void> => {
    if (member() !== undefined) await dao.report({ proposal, action, outcome, detail: lineOf(detail) })
    settled.set(keyOf({ proposal, action }), outcome)
    waits.delete(keyOf({ proposal, action }))
    events.emit(`dao.${outcome}`, { proposal, action, what: actionWords(body), detail })
    log[outcome === 'executed' ? 'info' : 'warn']('dao-action', { proposal, action, outcome, detail })
  }
  const take = async (one: DueAction, effect: Effect): Promise<void> => {
    if (effect.kind === 'elsewhere') settled.set(keyOf(one), 'elsewhere')
    else if (effect.kind === 'waiting') waits.set(keyOf(one), effect.detail)
    else await settle(one, effect.kind, effect.detail)
  }
  const isDue = (one: DueAction): boolean => one.stage === 'due' && !settled.has(keyOf(one))
  const holds = (one: DueAction): boolean =>
    one.stage === 'executed' || (one.stage === 'due' && settled.get(keyOf(one)) !== 'failed')

  /** Decisions about values that hold, the last about each; what cannot hold here is reported as failed. */
  const decide = async (standings: readonly DueAction[]): Promise<readonly Held[]> => {
    const possible: Held[] = []
    for (const one of inOrder(standings.filter(holds))) {
      try {
        const decision = decisionOf(one.proposal, one.action, one.body)
        const obstacle = decision !== undefined && isDue(one) ? obstacleTo(targets, decision) : undefined
        if (obstacle !== undefined) await settle(one, 'failed', obstacle)
        else if (decision !== undefined) possible.push({ one, decision })
      } catch (error) {
        if (!(error instanceof X0tError)) throw error
        if (isDue(one)) await settle(one, 'failed', `${error.code}: ${error.message}`)
      }
    }
    const { holding, overtaken } = lastOfEach(possible.map(({ one }) => one))
    for (const [one, by] of overtaken)
      if (isDue(one)) await settle(one, 'failed', `a later decision holds: ${by.proposal}`)
    return possible.filter(({ one }) => holding.includes(one))
  }

  const applyValues = async (standings: readonly DueAction[]): Promise<void> => {
    const held = await decide(standings)
    const due = held.filter(({ one }) => isDue(one))
    const earlier = new Map(due.map(({ one, decision }) => [one, valueNow(targets, decision)]))
    const decisions = held.map(({ decision }) => decision)
    const text = decisionsText(decisions)
    if (text !== heldText) {
      // First what a restart goes by, then what runs.
      const before = await textOf(targets.decisionsFile)
      if (text !== before && (before !== undefined || decisions.length > 0))
        await writeSecretFile(targets.decisionsFile, text, { force: true })
      lay(decisions)
      heldText = text
    }
    let isLost = false
    for (const { one, decision } of due) {
      const effect = readBack(targets, decision, earlier.get(one)!)
      isLost ||= effect.kind === 'failed'
      await take(one, effect)
    }
    if (isLost) isAsked = true
  }
  const lay = (decisions: readonly Decision[]): void => {
    targets.policy?.decide(decisions.filter(({ kind }) => kind === 'policy'))
    targets.settings.decide(decisions.filter(({ kind }) => kind === 'config'))
  }

  const doOnce = async (standings: readonly DueAction[]): Promise<void> => {
    const surroundings = { self, targets, records: () => dao.records(), clock, isStopped: () => isStopped }
    for (const one of standings) {
      const { body } = one
      if (isLasting(body) || !isDue(one) || isStopped) continue
      try {
        decisionOf(one.proposal, one.action, body)
      } catch (error) {
        if (!(error instanceof X0tError)) throw error
        await settle(one, 'failed', `${error.code}: ${error.message}`)
        continue
      }
      try {
        await take(one, await carryOutOnce(one.proposal, body, surroundings))
      } catch (error) {
        waits.set(keyOf(one), messageOf(error))
        log.warn('dao-action-not-done', { proposal: one.proposal, reason: messageOf(error) })
      }
    }
  }

  /** Who had a say is told what was not done in time, and what it waited for. */
  const reportExpired = async (state: DaoState, standings: readonly DueAction[]): Promise<void> => {
    for (const one of standings) {
      if (one.stage !== 'expired' || settled.has(keyOf(one))) continue
      const view = state.proposals.get(one.proposal)
      if (view?.electorate.some(({ id }) => id === member()) !== true) continue
      const { body } = one
      if (body.type === 'rotate_keys' && body.node !== 'all' && body.node !== self) continue
      const isBan = body.type === 'ban_node'
      const isDone = (isBan || body.type === 'readmit_node') && targets.bans.isBanned(body.node) === isBan
      if (isDone) await settle(one, 'executed', 'it holds here, signed by another node')
      else await settle(one, 'failed', `expired: ${waits.get(keyOf(one)) ?? one.detail}`)
    }
  }

  const lookOnce = async (): Promise<void> => {
    const state = dao.state()
    if (state === undefined) return
    const nowMs = clock.wallMs()
    const standings = standingsOf(state, nowMs)
    try {
      await reportExpired(state, standings)
      await applyValues(standings)
      await doOnce(standings)
    } catch (error) {
      // As where the disk is full: it is tried again, and expires if that does not help.
      log.warn('dao-execution-hindered', { reason: messageOf(error) })
      for (const one of standings) if (isDue(one)) waits.set(keyOf(one), messageOf(error))
    }
    wake(standings, nowMs)
  }
  const wake = (standings: readonly DueAction[], nowMs: number): void => {
    cancelTimer()
    if (isStopped) return
    const timesMs = standings.flatMap((one) => {
      if (one.stage === 'waiting' && one.untilMs !== null) return [one.untilMs - nowMs]
      return isDue(one) ? [againMs] : []
    })
    if (timesMs.length === 0) return
    const delayMs = Math.min(longestWaitMs, ...timesMs.map((ms) => Math.max(0, ms)))
    cancelTimer = clock.setTimer(delayMs, () => void look())
  }
  const look = (): Promise<void> => {
    if (isStopped) return Promise.resolve()
    isAsked = true
    running ??= (async () => {
      try {
        while (isAsked) {
          isAsked = false
          if (!isStopped) await lookOnce()
        }
      } catch (error) {
        log.error('dao-execution-failed', { reason: messageOf(error) })
        cancelTimer = clock.setTimer(againMs, () => void look())
      } finally {
        running = undefined
      }
    })()
    return running
  }

  return {
    recordsChanged: () => void look(),
    look,
    async plan(proposal) {
      const state = dao.state()
      if (state?.proposals.has(proposal) !== true)
        throw new X0tError('DAO_PROPOSAL_UNKNOWN', `there is no proposal ${proposal} here`, {
          hint: 'x0t dao list',
        })
      const standings = standingsOf(state, clock.wallMs()).filter((one) => one.proposal === proposal)
      return await Promise.all(
        standings.map(async (one) => {
          const wait = waits.get(keyOf(one))
          const told = wait === undefined ? one : { ...one, detail: wait }
          return await plannedChange(told, self, targets)
        }),
      )
    },
    async [Symbol.asyncDispose]() {
      isStopped = true
      cancelTimer()
      await running
    },
  }
}

interface Held {
  readonly one: DueAction
  readonly decision: Decision
}

function keyOf({ proposal, action }: Pick<DueAction, 'proposal' | 'action'>): string {
  return `${proposal} ${action}`
}

function isLasting(
  body: DueAction['body'],
): body is DueAction['body'] & { readonly type: 'update_threshold' | 'update_policy' | 'update_config' } {
  return body.type === 'update_threshold' || body.type === 'update_policy' || body.type === 'update_config'
}

/** One line, as a record holds it. */
function lineOf(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 300)
}

async function textOf(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch(() => undefined)
}
