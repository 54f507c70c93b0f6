/* What people type into the forms of a mapping, and how it is shown to them: for mapping_form.h. */
#ifndef WEB_MAPPING_TEXT_H
#define WEB_MAPPING_TEXT_H

#include "base/json.h"

#define MAPPING_TEXT_BYTES (64u << 10)

/* Without white space around it; new reference. */
json_t *typed_trim(const char *text, size_t len);
bool is_typed_trim(const char *text);
/* The text of a view; "" there is none.  Borrowed. */
const char *typed_get(const json_t *view, const char *name);
/* The text of a part of a mapping, else fallback; new reference. */
json_t *typed_text_or(const json_t *part, const char *name, const char *fallback);
/* A word of a view into a part of a mapping, unless it is what holds without it. */
void typed_word(const json_t *view, json_t *part, const char *name, const char *usual);
/* One line of JSON; new reference. */
json_t *typed_line(const json_t *json);

/* A text, or JSON where it is none: a list of texts, a setting.  New references. */
json_t *typed_either_view(const json_t *value);
json_t *typed_either(const char *text);

/* One name, or several with commas between; JSON where a name has one itself.  Reading: NULL none. */
json_t *typed_names_view(const json_t *names);
json_t *typed_names(const char *text);
/* The parts between commas, without those that are empty; new reference. */
json_t *typed_split(const char *text);

#endif
