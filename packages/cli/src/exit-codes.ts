/** Exit codes: 0 done, 1 failed, 2 wrong usage, 3 checked and found wanting, 4 no daemon, 128+n on signal n. */
export const exitCodes = { done: 0, failed: 1, usage: 2, wanting: 3, noDaemon: 4 } as const
