/*
 * Texts that are on a page and, under a key, in its status.json: the script
 * puts the newer ones in place.  And what pages say of errands.
 */
#ifndef WEB_LIVE_H
#define WEB_LIVE_H

#include "state/walk.h"

/* The text under object[name], and under "<scope>.<name>" in live.  Takes text. */
void live_set(json_t *live, json_t *object, const char *scope, const char *name, json_t *text);
/* Whether a part is shown: "yes" or "". */
void live_set_shown(json_t *live, json_t *object, const char *scope, const char *name,
    bool is_shown);

/* For CSS: "idle", "busy", "bad", "good".  found: as errand_load() told. */
const char *live_errand_state(const struct errand *errand, int found);
/* "asked 5 min ago", or "" while there is no answer; new reference. */
json_t *live_errand_done(const struct errand *errand, int found, int64_t now_ms);

#endif
