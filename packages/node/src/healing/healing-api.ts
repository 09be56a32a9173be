import { X0tError, type NodeId } from '@x0t/core'
import type { Handlers, HealIncident, HealPolicy, HealStatus } from '@x0t/local-api'
import {
  diagnoses,
  diagnosisKinds,
  entityWords,
  explainIncident,
  numberKeys,
  policyNumbers,
  type Incident,
} from '@x0t/mape-k'
import type { Runtime } from '../runtime.ts'
import type { Healing } from './healing.ts'
import { parsePolicyFile } from './policy-file.ts'

type HealHandlers = Pick<
  Handlers,
  'healStatus' | 'healHistory' | 'healIncident' | 'healPolicy' | 'setHealPolicy' | 'safeMode' | 'drill'
>

const defaultLimit = 50

/** What the daemon answers about healing. */
export function createHealingHandlers(
  runtime: Pick<Runtime, 'healing' | 'clock'>,
  {
    nameOf,
    resolve,
  }: { readonly nameOf: (id: NodeId) => string; readonly resolve: (reference: string) => NodeId },
): HealHandlers {
  const requireHealing = (): Healing => {
    if (runtime.healing !== undefined) return runtime.healing
    throw new X0tError('HEALING_OFF', 'the healing loop is switched off by healing.enabled = false', {
      hint: 'set healing.enabled = true and start the node again',
    })
  }
  const wordOf = (id: string): string => nameOf(id as NodeId) || id.slice(0, 10)
  const view = (incident: Incident): HealIncident => ({
    ...(structuredClone(incident) as unknown as Omit<HealIncident, 'about' | 'explanation'>),
    about: entityWords(incident.entity, wordOf),
    explanation: [...explainIncident(incident, wordOf)],
  })
  const status = (): HealStatus => {
    if (runtime.healing === undefined)
      return {
        enabled: false,
        state: 'IDLE',
        safeMode: null,
        entities: [],
        open: [],
        actionsInMinute: 0,
        actionsPerMinute: 0,
        failuresInRow: 0,
        breakerOpenForMs: null,
        avoided: [],
        incidents: 0,
      }
    const now = runtime.healing.status()
    return {
      enabled: true,
      state: now.state,
      safeMode: now.safeMode ?? null,
      entities: now.entities.map(({ entity, state }) => ({
        entity,
        about: entityWords(entity, wordOf),
        state,
      })),
      open: now.open.map(view),
      actionsInMinute: now.actionsInMinute,
      actionsPerMinute: now.actionsPerMinute,
      failuresInRow: now.failuresInRow,
      breakerOpenForMs: now.breakerOpenForMs ?? null,
      avoided: runtime.healing.avoidance.list().map((one) => ({ ...one, name: nameOf(one.id) })),
      incidents: runtime.healing.incidents().length,
    }
  }
  const policyView = (healing: Healing): HealPolicy => {
    const { policy } = healing
    const { factors } = healing.status()
    const records = healing.records()
    return {
      numbers: numberKeys.map((key) => {
        const { value, origin } = policy.numbers[key]
        const { from, to, unit, help } = policyNumbers[key]
        const factor = factors[key]
        return {
          key,
          value,
          origin,
          ...proposalOf(policy.numbers[key]),
          from,
          to,
          unit,
          help,
          learnt: factor === undefined ? null : value * factor,
        }
      }),
      plans: diagnosisKinds.map((diagnosis) => ({
        diagnosis,
        meaning: diagnoses[diagnosis],
        actions: [...policy.plans[diagnosis].value],
        origin: policy.plans[diagnosis].origin,
        ...proposalOf(policy.plans[diagnosis]),
        records: records
          .filter((one) => one.diagnosis === diagnosis)
          .map(({ action, verified, failed }) => ({ action, verified, failed })),
      })),
      overruled: [...healing.overruled],
    }
  }
  return {
    healStatus: status,
    healHistory: ({ sinceMs = 0, limit = defaultLimit }) => ({
      incidents: requireHealing().incidents({ sinceMs, limit }).map(view),
    }),
    healIncident: ({ id }) => view(requireHealing().incident(id)),
    healPolicy: () => policyView(requireHealing()),
    setHealPolicy({ text }) {
      const healing = requireHealing()
      healing.setPolicy(parsePolicyFile(text))
      return policyView(healing)
    },
    safeMode({ isOn, reason = 'ordered by a person' }) {
      requireHealing().setSafeMode(isOn, reason)
      return status()
    },
    drill({ node, forMs, force = false }) {
      const startedAtMs = Math.round(runtime.clock.wallMs())
      const to = node === undefined ? undefined : resolve(node)
      const id = requireHealing().drill({ to, forMs, force })
      return { id, name: nameOf(id), forMs, startedAtMs }
    },
  }
}

function proposalOf({ proposal }: { readonly proposal?: string }): { readonly proposal?: string } {
  return proposal === undefined ? {} : { proposal }
}
