/*
 * The configuration as a document: connections, syncs, mappings in one JSON
 * file, secrets by reference.
 *
 *   { "billhook": 1,
 *     "connections": [ { "code": "stripe", "driver": "stripe", "name": "...", "paused": false,
 *                        "settings": {...}, "secrets": { "webhook": "env:NAME" | "file:PATH" | "keep" } } ],
 *     "syncs": [ { "code": "s", "from": "stripe", "to": "crm", "preset": "stripe-salesforce",
 *                  "mapping": {...}, "settings": {...}, "paused": false,
 *                  "started": true } ] }
 *
 * Of a sync that is not started nothing is pushed; the browser makes such ones.
 * A connection or sync that the document does not name stays as it is, and so do name, paused
 * and settings, each as a whole, of one that is there, where they are left out.
 */
#ifndef SYNC_CONFIGURE_H
#define SYNC_CONFIGURE_H

#include "state/account.h"
#include "store/store.h"

struct configure_options {
	const char *preset_dir;
	bool dry_run; /* say what would change, change nothing */
	bool
	    no_resync; /* no job of this kind for syncs that changed: what is mirrored already stays as it is */
	bool only_new;  /* a sync that is there already is refused */
	const char *by; /* who did so in the browser, for the trail; NULL: the command line */
	void (*say)(void *arg, const char *line); /* one line for each thing; may be NULL */
	/* Part of the same transaction, which -1 ends; whoever gives it notes the change in the trail.  May be NULL. */
	int (*with)(struct store_txn *txn, void *arg, struct bh_err *err);
	void *arg;
};

/*
 * All that is wrong with a document: array of texts "/syncs/0/from: must be a text", each the
 * place of a member (a JSON Pointer) and the reason, at most JSONSCHEMA_FAULTS (new
 * reference); empty: it can be applied, as far as the document itself tells.  What the schema
 * cannot say is told, too.  Reads presets, resolves no secrets.
 */
json_t *configure_faults(const json_t *document, const char *preset_dir);

/* Append those references to secrets that give none here, in the same form. */
void configure_secret_faults(const json_t *document, json_t *faults);

/*
 * What the schema cannot say, of a document that fits it: 0, or -1 BH_INVALID with the place
 * and the reason of the first fault.
 */
int configure_check(const json_t *document, const char *preset_dir, struct bh_err *err);

/*
 * What is said of a part of a document, to whoever sees that part alone: within "/syncs/0",
 * "/syncs/0/from: x" is "/from: x" and "/syncs/0: x" is "x".  Other texts stay; borrowed.
 */
const char *configure_within(const char *text, const char *place);
/* The reason alone, without the place in front; borrowed. */
const char *configure_reason(const char *text);

/*
 * Make the store agree with the document, in one transaction; applying it
 * twice changes nothing the second time.  *changes_r: how many things were changed.
 * BH_INVALID: the first of its faults, also of those that the store, the secrets or a driver
 * tell, in the form of configure_faults().
 */
int configure_apply(struct store *store, const struct account_key *key, const json_t *document,
    const struct configure_options *options, size_t *changes_r, struct bh_err *err);

/*
 * The whole configuration (new reference), without secrets: apply keeps the
 * stored ones that a document does not name.
 */
int configure_export(struct store *store, json_t **document_r, struct bh_err *err);

/* A stored sync as it stands in the document (new reference). */
json_t *configure_sync(const struct account_sync *sync);

/* Mark what a destination refused, or what waits for a person, to be tried again; *n_r is raised by how many links. */
int configure_retry(struct store *store, const char *dest, size_t *n_r, struct bh_err *err);

#endif
