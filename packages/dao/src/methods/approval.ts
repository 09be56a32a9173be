import { summed } from './counted.ts'

/** T_c = Σ b over the members that approve of c: all of the balance for each (snapshot.js `src/voting/approval.ts`). */
export const countApproval = summed((score, { balance }) => {
  score.add(balance.value, 1n)
})
