/*
 * The commits remembered, so that one sent again is not applied again.  A
 * fixed number of slots, used in turn; each is also a record of the store,
 * written in place inside the commit's own transaction (see serve.c).
 */
#ifndef STORE_RING_H
#define STORE_RING_H

#include "store/wire.h"

struct ring_entry {
	uint64_t stamp; /* 0: the slot was never used */
	unsigned char id[WIRE_ID_LEN];
	int64_t at_ms; /* bh_mono_ms() when it was applied */
};

struct ring {
	uint32_t slots_n;
	uint32_t used_n;
	struct ring_entry *slots;
	uint32_t *buckets; /* first slot + 1 of each chain */
	uint32_t *next;    /* next slot + 1 in the chain */
	int64_t
	    forgotten_ms; /* at_ms of the latest commit that is not in the slots any more; -1: none */
};

/* slots_n is a power of two. */
void ring_init(struct ring *ring, uint32_t slots_n);
void ring_release(struct ring *ring);
uint32_t ring_slot(const struct ring *ring, uint64_t stamp);
/* Remember a commit, forgetting the one that had its slot. */
void ring_add(struct ring *ring, const struct ring_entry *entry);
/* After the entries of the last run were added in any order. */
void ring_loaded(struct ring *ring);
/* 0 when it is not known. */
uint64_t ring_find(const struct ring *ring, const unsigned char id[WIRE_ID_LEN]);
/* Would a commit applied at first_sent_ms or later still be remembered? */
bool is_ring_covering(const struct ring *ring, int64_t first_sent_ms);

#endif
