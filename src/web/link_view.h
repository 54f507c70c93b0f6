/* Links in words: is a record in step, and if not, why. */
#ifndef WEB_LINK_VIEW_H
#define WEB_LINK_VIEW_H

#include "web/mapped.h"

/* A sign for CSS ("good", "busy", "bad", "idle"), what people read, and how bad it is. */
struct link_words {
	const char *state, *word;
	int weight; /* of several records of one thing the heaviest is shown */
};
struct link_words link_words(const struct link *link, bool is_marked);

/*
 * For templates: crm, crm_url, sync, object, to, state, word, reason, remedy, remote_id, remote_url, how,
 * pushed, url, is_held, is_linked; new reference.
 */
json_t *link_view(const struct exchange *exchange, const struct mapped_sync *sync,
    const struct map_object *object, const struct link_id *id, const struct link *link,
    bool is_marked, int64_t now_ms);
/* What became of it lately: array of {time, at, text, state}; new reference. */
json_t *link_steps(const struct link *link, int64_t now_ms);
/* What holds links of this code, in a few words: where it is not Billhook's own, what the cause begins with. */
json_t *link_code_words(const char *code, const char *cause);

#endif
