/**
 * Chooses the way of each reply. As a rule replies go as data does. A member that misses replies says so in its next
 * requests; then every other reply goes another way, until it is clear which way loses them. Still one reply a request.
 */
export interface ReplyWays {
  /**
   * The way of the reply to request `id`, whose sender misses `overdue` replies and got the one to `answeredId` last.
   */
  choose(id: number, overdue: number, answeredId: number): 'usual' | 'other'
  /** True if replies that went the usual way were lost while others, sent after them, arrived. */
  readonly isUsualLost: boolean
  /** The usual way is another one from now on. */
  restart(): void
}

const leastOverdue = 2
const leastLost = 3
const ringSize = 64

export function createReplyWays(): ReplyWays {
  const ids = new Uint32Array(ringSize)
  const wentOther = new Uint8Array(ringSize)
  let alternates = false
  let lastWasOther = false
  let usualLost = 0
  const restart = (): void => {
    ids.fill(0)
    alternates = false
    lastWasOther = false
    usualLost = 0
  }
  const learn = (answeredId: number): void => {
    const slot = answeredId % ringSize
    if (answeredId === 0 || ids[slot] !== answeredId) return
    if (wentOther[slot] === 0) {
      restart()
      return
    }
    usualLost = 0
    for (let i = 0; i < ringSize; i++)
      if (ids[i] !== 0 && ids[i]! < answeredId && wentOther[i] === 0) usualLost++
  }
  return {
    choose(id, overdue, answeredId) {
      learn(answeredId)
      if (overdue >= leastOverdue) alternates = true
      lastWasOther = alternates && !lastWasOther
      ids[id % ringSize] = id
      wentOther[id % ringSize] = lastWasOther ? 1 : 0
      return lastWasOther ? 'other' : 'usual'
    },
    get isUsualLost() {
      return usualLost >= leastLost
    },
    restart,
  }
}
