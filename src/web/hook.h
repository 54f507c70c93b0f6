/*
 * Webhooks: verify over the raw bytes, journal durably, acknowledge.  Nothing
 * is acknowledged that is not on disk; no JSON is parsed here.
 *
 * Where an event goes, best first: the journal (through the keeper); a spool
 * file of the journal (verified, the keeper imports it); a raw spool file
 * (not verified, because the connection could not be read: raw.h), which
 * hook_import_raw() takes up later.
 */
#ifndef WEB_HOOK_H
#define WEB_HOOK_H

#include "web/site.h"

struct hook;

/* site is borrowed; its store, key and place are used. */
struct hook *hook_new(const struct site *site);
/* Write down what was counted beside requests: redeliveries.  Cheap when there is nothing. */
void hook_flush(struct hook *hook);
void hook_free(struct hook **hook);

/* POST /hook/:connection. */
int hook_receive(struct exchange *exchange, struct bh_err *err);

/* -- the parts, also used by the import of raw spool files -- */

enum hook_result {
	HOOK_STORED = 0, /* durable: in the journal or spooled */
	HOOK_DUPLICATE,  /* the journal holds it already */
	HOOK_UNKNOWN,    /* no such source connection */
	HOOK_REFUSED,    /* signature or body is wrong: the same will fail again */
	HOOK_UNREADY,    /* the connection cannot verify: no secret, no driver, no key */
	HOOK_LATER,      /* the store cannot be reached and nothing was stored */
	HOOK_FULL        /* our disk refuses; nothing was stored */
};

/*
 * Verify and store one request for the connection code.  may_spool: keep it
 * as a journal spool file when the keeper is not to be reached.  err is set for all but the first two.
 */
enum hook_result hook_accept(struct hook *hook, const char *code, const struct request *request,
    bool may_spool, struct bh_err *err);

/*
 * Take up to max raw spool files below data_dir: verify, journal, delete;
 * one that is wrong goes to spool/bad with a log line.  One process at a time (flock); safe to be
 * killed anywhere, since the journal knows events by id.  Nothing is read while the
 * directory has not changed since it was found empty.  Returns the number
 * imported, or -1 when the store or the disk failed (the files stay).
 */
int hook_import_raw(struct hook *hook, const char *data_dir, size_t max, struct bh_err *err);

#endif
