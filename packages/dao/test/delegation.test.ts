import t from 'tap'
import { resolveDelegations } from '../src/delegation.ts'

/** Members a, b, c… with their delegates, as `ab` for a to b and `a-` for none. */
function resolve(text: string) {
  const members = text.split(' ').map(([id, delegate]) => ({
    id: id as never,
    delegate: delegate === '-' ? null : (delegate as never),
  }))
  const { delegates, cycles } = resolveDelegations(members)
  return { delegates: [...delegates].map((pair) => pair.join('')).toSorted(), cycles: cycles.join('') }
}

t.test('a delegation goes one step, to another member', (t) => {
  t.same(resolve('ab bc c-'), { delegates: ['ab', 'bc'], cycles: '' })
  t.same(resolve('aa b-'), { delegates: [], cycles: '' }, 'to itself')
  t.same(resolve('ax b-'), { delegates: [], cycles: '' }, 'to no member')
  t.end()
})

t.test('who is in a circle has no delegate, who leads into it keeps one', (t) => {
  t.same(resolve('ab ba'), { delegates: [], cycles: 'ab' })
  t.same(resolve('ab bc cb d-'), { delegates: ['ab'], cycles: 'bc' })
  t.same(resolve('cb bc ab'), { delegates: ['ab'], cycles: 'bc' }, 'in any order')
  t.same(resolve('ab bc cd da ea'), { delegates: ['ea'], cycles: 'abcd' })
  t.end()
})
