/* Parts of a mapping as sentences for people.  All make new references; what is no text of ours is cleaned, not escaped. */
#ifndef WEB_MAPPING_WORDS_H
#define WEB_MAPPING_WORDS_H

#include "base/json.h"

/* Where a row's value comes from: "website", "the text Stripe", "first_name and last_name". */
json_t *mapping_source_words(const json_t *row);
/* What is done with it: "as company_domain; else {email}"; "" nothing is said. */
json_t *mapping_way_words(const json_t *row);
/* Where it holds, and who wins: "only in companies; until a person changes it". */
json_t *mapping_rule_of_row_words(const json_t *row);
/* A whole row, for a list of changes. */
json_t *mapping_row_words(const json_t *row);
/* "status is one of active, past_due and currency is EUR"; null for none. */
json_t *mapping_filter_words(const json_t *filter);
/* A matching rule. */
json_t *mapping_match_words(const json_t *rule);
/* What is done where nothing matches, as it stands: "create" of the object. */
json_t *mapping_create_words(const json_t *object, const json_t *settings);
/* What settings switch an object on, and whether they do: null where it is always on. */
json_t *mapping_on_words(const json_t *object, const json_t *settings, bool *is_on_r);

/* Who wins, in words, for a list of choices; index from 0, NULL at the end.  "always" is the first. */
struct mapping_choice {
	const char *value, *label;
};
extern const struct mapping_choice mapping_whens[];

#endif
