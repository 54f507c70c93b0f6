/* What the pages about problems share. */
#ifndef WEB_PAGE_PROBLEMS_H
#define WEB_PAGE_PROBLEMS_H

#include "state/cause.h"
#include "web/mapped.h"
#include "web/page.h"

/* Where a cause's records are listed. */
json_t *problem_url(const struct exchange *exchange, const char *dest, const struct cause *cause);
/* The same without base, with a query that goes on; appended. */
void problem_path_add(struct bh_buf *out, const char *dest, const struct cause *cause);
/* A cause in words: heading, code, count, is_one, object, sync, cause, remedy, last, url, is_choice. */
json_t *problem_view(const struct exchange *exchange, const char *dest, const struct cause *cause,
    int64_t now_ms);

/*
 * Titles of billing objects as people know them, in place of ids: n texts (new references), from
 * syncs' sources in few reads.
 */
int problem_titles(struct exchange *exchange, const struct mapped *mapped,
    const struct link_id *ids, size_t n, json_t **titles, struct bh_err *err);

#endif
