/*
 * From dirty links to records: read the objects from the mirror, map them,
 * resolve their parents, and decide what has to be sent.
 */
#ifndef SYNC_RENDER_H
#define SYNC_RENDER_H

#include "sync/lane.h"

enum render_verdict {
	RENDER_SEND = 0,
	RENDER_SAME,      /* the CRM holds this already: the hash is equal */
	RENDER_EXCLUDED,  /* the mapping's filter leaves it out */
	RENDER_GONE,      /* no such object or sync any more */
	RENDER_PAUSED,    /* its sync is paused or cannot be used: it stays dirty */
	RENDER_LATER,     /* its pause after a failure is not over */
	RENDER_WAITING,   /* its parent is not in the CRM */
	RENDER_BROKEN,    /* it cannot be mapped, or matches several: link holds the cause */
	RENDER_UNMATCHED, /* no record matches, and none may be made: link holds the cause */
	RENDER_MOVED,     /* its record has become another one: link names it */
	RENDER_UNDONE     /* its values were put back: left alone until a person lets it be written */
};

/* How what a record is about to write over is kept (undo_keep.h). */
enum render_undo {
	RENDER_UNDO_NOT = 0,
	RENDER_UNDO_OLD,  /* what it holds is read */
	RENDER_UNDO_NEW,  /* it is not there yet */
	RENDER_UNDO_AGAIN /* the run that goes on made it */
};

/* One dirty link on its way. */
struct render_item {
	const struct link_dirty_entry *entry; /* borrowed */
	struct link link;                     /* as stored; changed by the push */
	enum render_verdict verdict;
	struct record *record; /* RENDER_SEND; owned */
	char hash[65];
	char parents[65];
	char kept[sizeof(((struct link *)0)->kept)];  /* link.kept, once it is written */
	char meant[sizeof(((struct link *)0)->kept)]; /* and while it may have been */
	char tied[LINK_TIED_MAX];                     /* link.tied, once it is written */
	char unseen[80];    /* a field that was left alone because it cannot be read; "" */
	bool is_adopted;    /* found by the rules in this run, not written yet */
	char rule[80];      /* by what: "its key", "Email"; "" */
	json_t *candidates; /* of a preview: what a push would store for a person; owned; NULL */
	json_t *
	    left; /* of a preview: field -> why it is not written (enum conflict_left); owned; NULL */
	enum render_undo undo;
	json_t *before;        /* what the CRM holds in the fields that are written; owned; NULL not read */
	json_t *kept_entry;    /* as it is stored under undo_ms; owned; NULL none, or not at hand */
	int64_t undo_ms;       /* 0: nothing is kept */
	bool is_replaced;      /* written as another record than before */
	struct link_id parent; /* RENDER_WAITING; strings borrowed from the record or setup */
	char *parent_id;       /* owned text behind parent.id */
};

/*
 * Fill items (n, zeroed) for entries, which belong to one lane; with
 * DEST_CAP_LINK_BY_KEY a parent counts as present when it stands earlier in
 * the same batch with RENDER_SEND.  -1: the store failed.
 */
int render_batch(struct lane *lane, const struct link_dirty_entry *entries, size_t n,
    struct render_item *items, struct bh_err *err);
void render_release(struct render_item *items, size_t n);

/* The link of a record's parent, as that of child says where it is; strings are borrowed from all three. */
struct link_id render_parent_id(const struct setup *setup, const struct link_id *child,
    const struct record_parent *parent);
/* The item is not sent (again) before this link is clean: RENDER_WAITING. */
void render_wait_for(struct render_item *item, const struct link_id *parent);

#endif
