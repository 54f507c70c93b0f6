/*
 * Forms as tables: one line a field renders it, checks what was posted and
 * words the messages.
 */
#ifndef WEB_FORM_H
#define WEB_FORM_H

#include <jansson.h>

#include "web/request.h"

enum form_type {
	FORM_TEXT = 0,
	FORM_PASSWORD,
	FORM_HIDDEN
};

struct form_field {
	const char *name;
	const char *label;
	enum form_type type;
	size_t least, most;       /* characters; least 0: may be empty */
	const char *autocomplete; /* the HTML attribute; NULL: "off" */
};

/*
 * For the template _field: an array of objects (name, label, type, value,
 * is_required, most, autocomplete, error).  values and errors are objects by field name, both may be NULL;
 * a password's value is never given back.
 */
json_t *form_view(const struct form_field *fields, size_t n, const json_t *values,
    const json_t *errors);

/*
 * Read the posted form (request_read_form() was called): new references, what
 * was posted in *values_r (white space around it cut off; without passwords,
 * which stay in the request, where they are wiped) and the sentences for wrong fields in *errors_r (NULL: none).  True when all are right.
 */
bool form_is_valid(const struct form_field *fields, size_t n, const struct request *request,
    json_t **values_r, json_t **errors_r);

#endif
