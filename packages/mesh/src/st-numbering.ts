/** An undirected graph in compressed rows: the neighbours of `u` are `targets[offsets[u]]` to `targets[offsets[u + 1] - 1]`, ascending. */
export interface Rows {
  readonly offsets: Int32Array
  readonly targets: Int32Array
}

/**
 * Puts the nodes of a biconnected graph in an order in which `s` comes first, its neighbour `t` last, and every other
 * node has a neighbour before and one after itself (Even & Tarjan 1976, by the streamlined algorithm of Tarjan 1986, §3):
 * a depth-first search that starts with the link s–t, then each node is put right before or right behind its parent, on
 * the side where its lowpoint lies.
 * @returns the nodes in order
 */
export function stOrder({ offsets, targets }: Rows, s: number, t: number): Int32Array {
  const size = offsets.length - 1
  const preorder = new Int32Array(size)
  const numbers = new Int32Array(size).fill(-1)
  const parents = new Int32Array(size).fill(-1)
  /** The node of the lowest number that is reached by descending, then over one link. */
  const lows = new Int32Array(size)
  const cursors = offsets.slice(0, size)
  let count = 0
  const enter = (node: number, parent: number): void => {
    numbers[node] = count
    preorder[count++] = node
    parents[node] = parent
    lows[node] = node
  }
  enter(s, -1)
  enter(t, s)
  lows[t] = s
  for (let u = t; u !== s;) {
    const cursor = cursors[u]!++
    if (cursor < offsets[u + 1]!) {
      const v = targets[cursor]!
      if (numbers[v] === -1) {
        enter(v, u)
        u = v
      } else if (v !== parents[u] && numbers[v]! < numbers[lows[u]!]!) lows[u] = v
      continue
    }
    const parent = parents[u]!
    if (parent !== s && numbers[lows[u]!]! < numbers[lows[parent]!]!) lows[parent] = lows[u]!
    u = parent
  }

  const before = new Int32Array(size).fill(-1)
  const after = new Int32Array(size).fill(-1)
  /** 1 where the next child's subtree that leads up to this node goes in front of its parent. */
  const isMinus = new Uint8Array(size)
  after[s] = t
  before[t] = s
  isMinus[s] = 1
  for (let i = 2; i < size; i++) {
    const v = preorder[i]!
    const parent = parents[v]!
    const goesBefore = isMinus[lows[v]!] === 1
    const left = goesBefore ? before[parent]! : parent
    const right = goesBefore ? parent : after[parent]!
    before[v] = left
    after[v] = right
    if (left !== -1) after[left] = v
    if (right !== -1) before[right] = v
    isMinus[parent] = goesBefore ? 0 : 1
  }
  const order = new Int32Array(size)
  for (let node = s, i = 0; node !== -1; node = after[node]!) order[i++] = node
  return order
}
