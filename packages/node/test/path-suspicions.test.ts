import t from 'tap'
import { labelOfNodeId, type NodeId } from '@x0t/core'
import { createPathSuspicions } from '../src/path-suspicions.ts'

const [b, d] = ['b', 'd'].map((letter) => `${letter.repeat(51)}a`) as [NodeId, NodeId]

t.test('a suspicion is told with names, counted, and known until it is cleared', async (t) => {
  const told: unknown[] = []
  const counted: unknown[] = []
  const suspicions = createPathSuspicions({
    memberOfLabel: (label) => (Buffer.compare(label, labelOfNodeId(d)) === 0 ? d : undefined),
    events: { emit: (event, fields) => void told.push([event, fields]) },
    counters: { count: (name, labels) => void counted.push([name, labels]) },
  })
  const path = { label: labelOfNodeId(d), neighbour: b }
  suspicions.handle({ kind: 'neighbour-up', neighbour: b })
  suspicions.handle({ kind: 'path-suspect', ...path, evidence: 'silence' })
  t.equal(suspicions.suspect(d), b)
  t.equal(suspicions.suspect(b), undefined)
  suspicions.handle({ kind: 'path-clear', ...path, reason: 'answers' })
  t.equal(suspicions.suspect(d), undefined)
  t.strictSame(told, [
    ['path-suspect', { peer: d, neighbour: b, evidence: 'silence' }],
    ['path-clear', { peer: d, neighbour: b, reason: 'answers' }],
  ])
  t.strictSame(counted, [
    ['path_suspicions_total', { evidence: 'silence' }],
    ['path_suspicions_cleared_total', { reason: 'answers' }],
  ])
})
