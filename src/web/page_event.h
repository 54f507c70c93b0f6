/* What the pages that show events share. */
#ifndef WEB_PAGE_EVENT_H
#define WEB_PAGE_EVENT_H

#include "state/journal.h"
#include "web/page.h"

/* For CSS, and what people read. */
const char *event_state(enum journal_state state);
const char *event_word(enum journal_state state);
/* A row: state, word, type, id, connection, note, time, url, stamp, changed; new reference. */
json_t *event_row(const struct exchange *exchange, const struct journal_event *event,
    int64_t now_ms);
/* A stamp as it stands in a path or field; 0 when it is none. */
uint64_t event_stamp(const char *text);

#define EVENT_REPLAY_MAX 50
/* Have events handled again (n <= EVENT_REPLAY_MAX), and note who asked; *n_r: how many there are. */
int event_replay(struct exchange *exchange, const uint64_t *stamps, size_t n, size_t *n_r,
    struct bh_err *err);

#endif
