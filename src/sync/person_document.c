/* See person_document.h: {"asked", "at", and an array for each part}; there may be more than fits into memory. */
#include "base/base.h"

#include "sync/person_document.h"

#include "base/clock.h"
#include "base/json.h"

/* Begin parts up to this one; those without items are there all the same. */
static void
begin_part(struct person_document *document, int part)
{
	while (document->part < part) {
		int was = document->part++;

		fprintf(document->out, "%s,\n  \"%s\": [",
		    was < 0                 ? ""
		    : document->n[was] != 0 ? "\n  ]"
					    : "]",
		    person_part_name((enum person_part)document->part));
	}
}

static void
keep_record(struct person_document *document, const json_t *link)
{
	const char *record = bh_json_str(link, "record");

	if (document->records == NULL || record == NULL || *record == '\0' ||
	    bh_is_json_true(link, "in_sandbox"))
		return;
	if (json_array_size(document->records) >= document->records_max)
		document->more++;
	else
		json_array_append_new(document->records, json_deep_copy(link));
}

static int
write_item(void *arg, enum person_part part, const json_t *item, struct bh_err *err)
{
	struct person_document *document = arg;

	begin_part(document, (int)part);
	fprintf(document->out, "%s\n    ", document->n[part]++ > 0 ? "," : "");
	if (part == PERSON_LINK)
		keep_record(document, item);
	if (json_dumpf(item, document->out, JSON_SORT_KEYS | JSON_COMPACT) < 0 ||
	    ferror(document->out))
		return bh_fail_errno(err, BH_STORAGE, "cannot write the document");
	return 0;
}

static void
write_head(const struct person_document *document)
{
	json_t *asked = json_pack("[o]", bh_json_string(document->asked));
	char *text = bh_json_text(asked), now[BH_CLOCK_TEXT];

	bh_rfc3339(now, bh_now_ms());
	/* "[...]" without its brackets is the text as JSON. */
	fprintf(document->out, "{\n  \"asked\": %.*s,\n  \"at\": \"%s\"", (int)strlen(text) - 2,
	    text + 1, now);
	free(text);
	json_decref(asked);
}

int
person_document(struct person *person, struct person_document *document, struct bh_err *err)
{
	int rc;

	memset(document->n, 0, sizeof(document->n));
	document->part = -1;
	document->more = 0;
	write_head(document);
	rc = person_visit(person, write_item, document, err);
	begin_part(document, PERSON__MAX - 1);
	fprintf(document->out, "%s\n}\n", document->n[PERSON__MAX - 1] != 0 ? "\n  ]" : "]");
	if (rc == 0 && fflush(document->out) != 0)
		rc = bh_fail_errno(err, BH_STORAGE, "cannot write the document");
	return rc;
}

size_t
person_document_items(const struct person_document *document)
{
	size_t items = 0;

	for (int part = 0; part < PERSON__MAX; part++)
		items += document->n[part];
	return items;
}
