/* What the pages about problems share. */
#ifndef WEB_PAGE_PROBLEMS_H
#define WEB_PAGE_PROBLEMS_H

#include "state/cause.h"
#include "web/mapped.h"
#include "web/page.h"

/* The CRM to which the request's query or form restricts the list; NULL: none. */
const char *problems_only(const struct exchange *exchange);
/* The list, of one CRM where only is its code. */
json_t *problems_url(const struct exchange *exchange, const char *only);
/* Where a cause's records are listed; is_only: from a list of that CRM alone, and back to it. */
json_t *problem_url(const struct exchange *exchange, const char *dest, const struct cause *cause,
    bool is_only);
/* The same without base, with a query that goes on; appended. */
void problem_path_add(struct bh_buf *out, const char *dest, const struct cause *cause);
/* A cause in words: heading, code, count, is_one, object, sync, cause, remedy, last, url, is_choice. */
json_t *problem_view(const struct exchange *exchange, const char *dest, const struct cause *cause,
    bool is_only, int64_t now_ms);

/*
 * Titles of billing objects as people know them, in place of ids: n texts (new references), from
 * syncs' sources in few reads.
 */
int problem_titles(struct exchange *exchange, const struct mapped *mapped,
    const struct link_id *ids, size_t n, json_t **titles, struct bh_err *err);

#endif
