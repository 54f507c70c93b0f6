/*
 * Does a text name one of these objects or addresses?  Pure; for the search
 * for what is kept about one person.
 *
 * An id that cannot be mistaken (12 or more characters with letters and
 * digits) counts wherever it stands alone.  Another one ("42", "acme") counts
 * where a key says that it is an id, and of a kind that fits: as "customer",
 * or as "id" within "customer", not as "quantity".
 */
#ifndef SYNC_MENTION_H
#define SYNC_MENTION_H

#include "model/object.h"

struct mention;

struct mention *mention_new(void);
void mention_free(struct mention **mention);
/* The same id may be given for several kinds. */
void mention_add(struct mention *mention, enum object_kind kind, const char *id);
/* An address counts in any case of letters, alone or in a text. */
void mention_add_email(struct mention *mention, const char *email);

/* In JSON as it came, well-formed or not: nothing is parsed, memory does not grow with it. */
bool is_mentioned_in_json(const struct mention *mention, const char *text, size_t len);
/* In sentences and names of records ("stripe:cus_1"). */
bool is_mentioned_in_text(const struct mention *mention, const char *text, size_t len);
/* Is this id one that cannot be mistaken, and one of ours? */
bool is_mentioned_surely(const struct mention *mention, const char *id);

#endif
