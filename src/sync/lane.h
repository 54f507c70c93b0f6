/*
 * A lane: one destination connection made ready for calls: driver, transport,
 * tokens, what the CRM says of its objects.
 */
#ifndef SYNC_LANE_H
#define SYNC_LANE_H

#include "state/link.h"
#include "sync/setup.h"
#include "sync/sync.h"

/* What is known of a CRM object in this run, by the name that the mapping uses. */
struct lane_object {
	char *name;
	struct dest_object *described; /* NULL: no description is to be had */
};

/*
 * A lane that only looks (sync/preview.h): what is asked and worked out is what a push
 * would, and nothing of it is stored.
 */
struct lane_preview {
	/* Would this parent, which is not in the CRM, be there by the time its child is sent? */
	bool (*is_coming)(void *arg, const struct link_id *parent);
	/*
	 * The key of the object that would have been given this record by then, in out; false: none.
	 * record: "object" "\n" "id", as sync/match.c writes it.
	 */
	bool (*is_given)(void *arg, const char *record, struct bh_buf *out);
	void *arg;
};

struct lane {
	const struct sync_context *context;
	const struct setup *setup; /* borrowed */
	const struct setup_connection *connection;
	const struct dest_driver *driver;
	struct dest_auth auth;
	struct dest_config config;
	struct http_transport *trace; /* owned; NULL unless the log is at debug */
	char *run_dir;                /* owned */
	struct lane_object *objects;  /* owned */
	size_t objects_n;
	struct link_lane condition;
	const struct lane_preview *preview; /* borrowed; NULL: what is found is acted upon */
};

/*
 * Opens the stored tokens; asks for new ones when there are none, and whose account it
 * is where calls need that and it is not known yet.  -1 as lane_authorize().
 */
int lane_open(const struct sync_context *context, const struct setup *setup,
    const struct setup_connection *connection, struct lane *lane, struct bh_err *err);
/* The same without asking for a token: for a login that is about to bring one. */
int lane_open_bare(const struct sync_context *context, const struct setup *setup,
    const struct setup_connection *connection, struct lane *lane, struct bh_err *err);
void lane_close(struct lane *lane);

/*
 * Get a fresh access token and make it durable before it is used; one process at a time,
 * and what another one got meanwhile is taken.  -1 BH_DENIED: a person must
 * reconnect (noted on the connection); else as the driver says.
 */
int lane_authorize(struct lane *lane, struct bh_err *err);
/* Store what the driver put into lane->auth. */
int lane_keep_auth(struct lane *lane, struct bh_err *err);
/* Of it only whose account it is: a push may have got newer tokens than those at hand. */
int lane_keep_account(struct lane *lane, struct bh_err *err);

/*
 * The CRM's description of an object: from the store when younger than a
 * day, else from the CRM.  NULL in *object_r when the driver has none or it could not be
 * had (noted in the log once; mapping then works without lengths).  -1: the store failed.
 */
int lane_describe(struct lane *lane, const char *object, const struct dest_object **object_r,
    struct bh_err *err);
/*
 * The same asked of the CRM, however young the stored one is; that stays where none can be
 * had.  Once in the life of the lane.
 */
int lane_describe_anew(struct lane *lane, const char *object, const struct dest_object **object_r,
    struct bh_err *err);
/* A field of an object did not exist: describe it again next time. */
void lane_forget(struct lane *lane, const char *object);

/*
 * As link_dirty() of the lane, but of a sync that rests at most a page is seen: however
 * much is marked there, what stands behind it is reached.
 */
int lane_dirty(const struct lane *lane, struct store_txn *txn, size_t max,
    struct link_dirty_list *list, struct bh_err *err);

/* Write the lane's condition (calls, usage, pause, reason) to the store. */
int lane_note(struct lane *lane, struct bh_err *err);

/* Beside a push of the same lane: add the calls that were made and what was told of limits; no more. */
void lane_note_calls(struct lane *lane);

/* Stop the lane until a person acts: the connection is marked broken with the reason. */
int lane_break(struct lane *lane, const struct bh_err *why, struct bh_err *err);

#endif
