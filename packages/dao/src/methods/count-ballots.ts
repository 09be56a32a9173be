import type { Method } from '../rules.ts'
import { countApproval } from './approval.ts'
import type { CountBallots } from './counted.ts'
import { countLinear } from './linear.ts'
import { countQuadraticCredits } from './quadratic-credits.ts'
import { countQuadraticFunding } from './quadratic-funding.ts'
import { countQuadraticWeight } from './quadratic-weight.ts'
import { countRankedChoice } from './ranked-choice.ts'
import { countWeighted } from './weighted.ts'

/** How each method counts. */
export const countBallots: Readonly<Record<Method, CountBallots>> = {
  'quadratic-weight': countQuadraticWeight,
  'quadratic-credits': countQuadraticCredits,
  'quadratic-funding': countQuadraticFunding,
  linear: countLinear,
  approval: countApproval,
  'ranked-choice': countRankedChoice,
  weighted: countWeighted,
}
