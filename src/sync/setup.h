/*
 * What is set up, as one snapshot: connections with their drivers, syncs with
 * their compiled mappings.  Loaded at the start of each run of a job and
 * again when account_version() has moved.
 */
#ifndef SYNC_SETUP_H
#define SYNC_SETUP_H

#include "auto/rule.h"
#include "dest/dest.h"
#include "map/map.h"
#include "model/revenue.h"
#include "source/source.h"
#include "state/account.h"
#include "sync/sync.h"

struct setup_connection {
	struct account_connection account;
	const struct source_driver *source; /* NULL for a destination */
	const struct dest_driver *dest;     /* NULL for a source */
	struct revenue_switches revenue;    /* of a source; borrows its settings */
	char why[240];                      /* of the stand-in: why the driver cannot be used */
};

struct setup_sync {
	struct account_sync account;
	const struct setup_connection *from, *to; /* borrowed from the setup */
	struct map *map;
	json_t *reached; /* fields of a customer that records of its objects depend on: names; NULL none */
	bool maps_lines;         /* lines of invoices have records of their own */
	bool lines_use_customer; /* and they, too, depend on fields of the customer */
};

/* An automation that is switched on. */
struct setup_rule {
	struct rule *rule;
	int64_t since_ms;
};

struct setup {
	struct setup_connection *connections;
	size_t connections_n;
	struct setup_sync *syncs;
	size_t syncs_n;
	struct setup_rule *rules;
	size_t rules_n;
	json_t *unusable; /* codes of syncs that are left out: their links are kept as they are */
	uint64_t version; /* account_version() that it shows */
};

/*
 * A sync whose mapping does not compile or whose connection is missing is
 * left out, with a log line; the rest works on.  A destination whose driver
 * or settings are broken gets the stand-in driver.
 */
int setup_load(struct store *store, const struct account_key *key, struct setup **setup_r,
    struct bh_err *err);
void setup_free(struct setup **setup);
/* Load *setup (NULL at first) again when the settings have changed; the version is checked at txn's commit. */
int setup_refresh(const struct sync_context *context, struct store_txn *txn, struct setup **setup,
    struct bh_err *err);

/*
 * A sync's mapping as its settings and the destination's prefix make it (map/shape.h):
 * new reference.  -1 BH_INVALID.
 */
int setup_shape(const struct account_sync *account, const struct setup_connection *to,
    json_t **shaped_r, struct bh_err *err);

/*
 * Have this sync in the snapshot as if it were started, with mapping (NULL: its own).
 * -1 BH_INVALID: there is none, or it cannot be used so; pointers to syncs are of no use any more.
 */
int setup_try(struct setup *setup, struct store_txn *txn, const char *code, const json_t *mapping,
    struct bh_err *err);

/* NULL when there is none. */
const struct setup_connection *setup_connection(const struct setup *setup, const char *code);
const struct setup_sync *setup_sync(const struct setup *setup, const char *code);
/* Is it paused, not started yet, or left out?  Its marks are kept as they are. */
bool is_setup_resting(const struct setup *setup, const char *code);
/* The mapped object of this name in a sync; NULL.  *index_r (may be NULL): its place for map_render(). */
const struct map_object *setup_object(const struct setup_sync *sync, const char *name,
    size_t *index_r);
/* Does a rule look at objects of this kind and connection? */
bool has_setup_rules(const struct setup *setup, const char *connection, enum object_kind kind);
/* Can single objects be looked up: the driver knows how and a key is stored?  NULL: no. */
bool setup_is_askable(const struct setup_connection *connection);
/* A source connection as its driver wants it; borrowed. */
struct source_config setup_source_config(const struct setup_connection *connection);

#endif
