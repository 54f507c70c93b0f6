/* Numbers and times as people read them, for pages. */
#ifndef WEB_WORDS_H
#define WEB_WORDS_H

#include "base/base.h"

#include <jansson.h>

#define WORDS_MAX 48

/* "1,204". */
void words_count(char out[WORDS_MAX], int64_t n);
/* "just now", "12 s ago", "5 min ago", "3 h ago", "2 days ago"; "in 5 min" for what comes. */
void words_age(char out[WORDS_MAX], int64_t at_ms, int64_t now_ms);

/* JSON text of any bytes: what is no UTF-8 is replaced.  New reference. */
json_t *words_json(const char *text);
/* "1,204" as JSON text. */
json_t *words_count_json(int64_t n);
/* "1,204.50 EUR" of an amount in minor units; currency may be NULL. */
json_t *words_money_json(int64_t minor, const char *currency);
/* A moment for the template _time: {iso, utc, text}; null when at_ms is 0. */
json_t *words_time_json(int64_t at_ms, int64_t now_ms);

#endif
