/* Commits remembered: see ring.h. */
#include "base/base.h"

#include "store/ring.h"

#include <assert.h>

#include "base/clock.h"
#include "base/text.h"

void
ring_init(struct ring *ring, uint32_t slots_n)
{
	assert(slots_n != 0 && (slots_n & (slots_n - 1)) == 0);
	ring->slots_n = slots_n;
	ring->used_n = 0;
	ring->slots = bh_xcalloc(slots_n, sizeof(ring->slots[0]));
	ring->buckets = bh_xcalloc(slots_n, sizeof(ring->buckets[0]));
	ring->next = bh_xcalloc(slots_n, sizeof(ring->next[0]));
	ring->forgotten_ms = -1;
}

void
ring_release(struct ring *ring)
{
	free(ring->slots);
	free(ring->buckets);
	free(ring->next);
	memset(ring, 0, sizeof(*ring));
}

uint32_t
ring_slot(const struct ring *ring, uint64_t stamp)
{
	return (uint32_t)(stamp & (ring->slots_n - 1));
}

/* Ids are random: their first bytes are as good as a hash. */
static uint32_t
bucket(const struct ring *ring, const unsigned char *id)
{
	return bh_get_be32(id) & (ring->slots_n - 1);
}

static void
unchain(struct ring *ring, uint32_t slot)
{
	uint32_t *link = &ring->buckets[bucket(ring, ring->slots[slot].id)];

	while (*link != slot + 1)
		link = &ring->next[*link - 1];
	*link = ring->next[slot];
}

void
ring_add(struct ring *ring, const struct ring_entry *entry)
{
	uint32_t slot = ring_slot(ring, entry->stamp);
	uint32_t *head = &ring->buckets[bucket(ring, entry->id)];

	if (ring->slots[slot].stamp != 0) {
		ring->forgotten_ms = ring->slots[slot].at_ms;
		unchain(ring, slot);
	} else {
		ring->used_n++;
	}
	ring->slots[slot] = *entry;
	ring->next[slot] = *head;
	*head = slot + 1;
}

/*
 * The times of a run before a reboot come from another clock.  One that lies
 * in the future is certainly such a time.  The others may make us forget too
 * early, which is refused, never applied twice.
 */
void
ring_loaded(struct ring *ring)
{
	const struct ring_entry *oldest = NULL;
	int64_t now_ms = bh_mono_ms();

	for (uint32_t i = 0; i < ring->slots_n; i++) {
		struct ring_entry *entry = &ring->slots[i];

		if (entry->stamp == 0)
			continue;
		if (entry->at_ms > now_ms)
			entry->at_ms = 0;
		if (oldest == NULL || entry->stamp < oldest->stamp)
			oldest = entry;
	}
	assert(oldest != NULL || ring->used_n == 0);
	ring->forgotten_ms = oldest != NULL && ring->used_n == ring->slots_n ? oldest->at_ms : -1;
}

uint64_t
ring_find(const struct ring *ring, const unsigned char id[WIRE_ID_LEN])
{
	uint32_t at = ring->buckets[bucket(ring, id)];

	while (at != 0 && memcmp(ring->slots[at - 1].id, id, WIRE_ID_LEN) != 0)
		at = ring->next[at - 1];
	return at != 0 ? ring->slots[at - 1].stamp : 0;
}

bool
is_ring_covering(const struct ring *ring, int64_t first_sent_ms)
{
	return first_sent_ms > ring->forgotten_ms;
}
