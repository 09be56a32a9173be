/*
 * Closing a vote: n = 4 witnesses, f = LIARS of them lie (1 unless told otherwise), q = 3.
 *
 * What the model leaves out, and why that only adds behaviour:
 * - Messages are records that are never lost, but nobody has to see one in time: an honest witness may act at any
 *   moment on any part of what was signed, or let a time run out. So delays, partitions and crashes are all in it.
 * - A liar has signed everything there is to sign: every value in every round, both sides of each choice.
 * - Whoever proposes, every proposal was made: agreement must not rest on an honest proposer.
 * - A witness keeps nothing but its own records. What it is locked on is read from them each time, so a restart is no
 *   event of its own: it can happen between any two steps. -DFORGET breaks just this, to see that it is needed.
 *
 * Values are sets of two ballots: bit 0 and bit 1.
 */
#ifndef LIARS
#define LIARS 1
#endif
/* What a witness may hold: 3, any of two ballots; 1, one ballot or none, so that there are two sets only. */
#ifndef HOLDS
#define HOLDS 3
#endif
#ifndef ROUNDS
#define ROUNDS 3
#endif
#define N 4
#define F 1              /* what the protocol is built for */
#define Q 3              /* 2n/3 rounded down, and one */
#define H (N - LIARS)    /* honest ones: 0 .. H-1 */
#define NONE 0
#define NIL 1
#define VAL(set) ((set) + 2)

byte prepared[ROUNDS * H];   /* NONE, NIL or VAL(set) */
byte committed[ROUNDS * H];
byte reached[H];             /* 1 + the last round in which this witness signed */
bool valid[4];               /* sets that a list of q declarations gives */
#ifdef FORGET
byte forgotten[H];           /* commits of rounds below this are forgotten */
#endif

#define P(r, w) prepared[(r) * H + (w)]
#define C(r, w) committed[(r) * H + (w)]

/* Scratch of the d_steps below; not part of the state. */
hidden byte i, j, k, lockRound;

#if LIARS < 2
#define COUNT(m, r, val) ((m(r, 0) == (val)) + (m(r, 1) == (val)) + (m(r, 2) == (val)) + LIARS)
#else
#define COUNT(m, r, val) ((m(r, 0) == (val)) + (m(r, 1) == (val)) + LIARS)
#endif
/* q witnesses signed this in round r, so far as anyone may have seen. */
#define QUORUM_PREPARED(r, val)  (COUNT(P, r, val) >= Q)
#define QUORUM_COMMITTED(r, val) (COUNT(C, r, val) >= Q)

/* 1 + the last round in which w committed a set, 0 if in none: read from its own records. */
#if ROUNDS == 2
#define LAST_LOCK(w) (C(1, w) > NIL -> 2 : (C(0, w) > NIL -> 1 : 0))
#elif ROUNDS == 3
#define LAST_LOCK(w) (C(2, w) > NIL -> 3 : (C(1, w) > NIL -> 2 : (C(0, w) > NIL -> 1 : 0)))
#else
#define LAST_LOCK(w) (C(3, w) > NIL -> 4 : (C(2, w) > NIL -> 3 : (C(1, w) > NIL -> 2 : (C(0, w) > NIL -> 1 : 0))))
#endif
#ifdef FORGET
#define LOCK(w) (LAST_LOCK(w) <= forgotten[w] -> 0 : LAST_LOCK(w))
#else
#define LOCK(w) LAST_LOCK(w)
#endif

/* Prepared by q in a round from the lock on and before r: what lets a witness change. */
#define EXCUSED(w, r, val, e) ((e) < (r) && (e) + 1 >= LOCK(w) && QUORUM_PREPARED(e, val))
#if ROUNDS == 2
#define ANY_EXCUSE(w, r, val) EXCUSED(w, r, val, 0)
#elif ROUNDS == 3
#define ANY_EXCUSE(w, r, val) (EXCUSED(w, r, val, 0) || EXCUSED(w, r, val, 1))
#else
#define ANY_EXCUSE(w, r, val) (EXCUSED(w, r, val, 0) || EXCUSED(w, r, val, 1) || EXCUSED(w, r, val, 2))
#endif
/* Someone proposes it as new, or as prepared in an earlier round. */
#define MAY_PREPARE(w, r, val) \
  (LOCK(w) == 0 || C(LOCK(w) - 1, w) == (val) || ANY_EXCUSE(w, r, val))

/* No two certificates over different sets; none over a set that no honest witness would take. */
inline checkCertificates(r, val) {
  if
  :: QUORUM_COMMITTED(r, val) ->
    assert(valid[val - 2]);
    for (i : 0 .. ROUNDS - 1) {
      for (j : 2 .. 5) { assert(j == val || !QUORUM_COMMITTED(i, j)) }
    }
  :: else
  fi;
  i = 0; j = 0
}

/*
 * Progress: whatever was signed up to here, if from now on messages arrive in time, the next round of an honest
 * proposer ends in a certificate. It proposes the set that was prepared last as far as it sees. It sees at least what
 * made an honest witness lock; what liars show it besides is up to them. All honest witnesses have to take that.
 */
inline checkProgress() {
  lockRound = 0;
  for (j : 0 .. H - 1) {
    if :: LOCK(j) > lockRound -> lockRound = LOCK(j) :: else fi
  };
  for (i : 0 .. ROUNDS - 1) {
    for (j : 2 .. 5) {
      if
      :: i + 1 >= lockRound && QUORUM_PREPARED(i, j) ->
        assert(valid[j - 2]);
        for (k : 0 .. H - 1) { assert(LOCK(k) < i + 1 || C(LOCK(k) - 1, k) == j) }
      :: else
      fi
    }
  };
  i = 0; j = 0; k = 0; lockRound = 0
}

/* Prepare a set in a round above all in which this witness signed. */
#define PREPARE(r, s) \
  :: d_step { r >= reached[w] && valid[s] && MAY_PREPARE(w, r, VAL(s)) -> \
       P(r, w) = VAL(s); reached[w] = r + 1; checkProgress() }
/* No proposal came in time. */
#define PREPARE_NOTHING(r) \
  :: d_step { r >= reached[w] -> P(r, w) = NIL; reached[w] = r + 1 }
/* Commit what q prepared in the round at hand. */
#define COMMIT(r, s) \
  :: d_step { reached[w] == r + 1 && C(r, w) == NONE && valid[s] && QUORUM_PREPARED(r, VAL(s)) -> \
       C(r, w) = VAL(s); checkCertificates(r, VAL(s)); checkProgress() }
/* No quorum was seen in time. */
#define COMMIT_NOTHING(r) \
  :: d_step { reached[w] == r + 1 && C(r, w) == NONE -> C(r, w) = NIL }
#define ROUND(r) \
  PREPARE(r, 0) PREPARE(r, 1) PREPARE(r, 2) PREPARE(r, 3) PREPARE_NOTHING(r) \
  COMMIT(r, 0) COMMIT(r, 1) COMMIT(r, 2) COMMIT(r, 3) COMMIT_NOTHING(r)

proctype Witness(byte w) {
end:
  do
  ROUND(0)
  ROUND(1)
#if ROUNDS > 2
  ROUND(2)
#endif
#if ROUNDS > 3
  ROUND(3)
#endif
#ifdef FORGET
  :: d_step { reached[w] > forgotten[w] -> forgotten[w] = reached[w] }
#endif
  od
}

/*
 * Every way in which honest witnesses can hold two ballots, and every list of q declarations with what liars may say
 * in theirs (another thing each time): which sets can come of it.
 */
init {
  byte holds[4];
  byte list, lie, set, a, b, votes, size;
  atomic {
    select(a : 0 .. HOLDS); holds[0] = a;
    select(a : 0 .. HOLDS); holds[1] = a;
#if LIARS < 2
    select(a : 0 .. HOLDS); holds[2] = a;
#endif
    d_step {
      for (list : 1 .. 15) {
        for (lie : 0 .. HOLDS) {
          size = 0; set = 0;
          for (a : 0 .. 3) { if :: (list >> a) & 1 -> size++ :: else fi };
          if
          :: size >= Q ->
            for (b : 0 .. 1) {
              votes = 0;
              for (a : 0 .. 3) {
                if
                :: ((list >> a) & 1) && (((a < H -> holds[a] : lie) >> b) & 1) -> votes++
                :: else
                fi
              };
              if :: votes >= F + 1 -> set = set | (1 << b) :: else fi
            };
            valid[set] = true;
#if LIARS < 2
            /* What is counted was held by an honest witness; what all of them held is counted. */
            assert((set & ~(holds[0] | holds[1] | holds[2])) == 0);
            assert(((holds[0] & holds[1] & holds[2]) & ~set) == 0)
#endif
          :: else
          fi
        }
      };
      for (a : 0 .. 3) { holds[a] = 0 };
      list = 0; lie = 0; set = 0; a = 0; b = 0; votes = 0; size = 0
    };
    run Witness(0);
    run Witness(1);
#if LIARS < 2
    run Witness(2)
#endif
  }
}
