/* Records for destinations: see record.h. */
#include "base/base.h"

#include "model/record.h"

#include "base/crypt.h"
#include "base/text.h"

struct record *
record_new(const char *object, const char *key_field, const char *key)
{
	struct record *record = bh_xcalloc(1, sizeof(*record));

	record->object = bh_xstrdup(object);
	record->key_field = bh_xstrdup(key_field);
	record->key = bh_xstrdup(key);
	return record;
}

void
record_free(struct record **record)
{
	struct record *r = *record;

	if (r == NULL)
		return;
	for (size_t i = 0; i < r->fields_n; i++) {
		free(r->fields[i].name);
		json_decref(r->fields[i].value);
	}
	for (size_t i = 0; i < r->parents_n; i++) {
		free(r->parents[i].field);
		free(r->parents[i].object);
		free(r->parents[i].key_field);
		free(r->parents[i].key);
		free(r->parents[i].remote_id);
		free(r->parents[i].source_id);
	}
	for (size_t i = 0; i < r->formers_n; i++) {
		free(r->formers[i].object);
		free(r->formers[i].remote_id);
	}
	free(r->fields);
	free(r->parents);
	free(r->formers);
	free(r->object);
	free(r->key_field);
	free(r->key);
	free(r->remote_id);
	free(r);
	*record = NULL;
}

void
record_take_field(struct record *record, const char *name, enum record_type type, json_t *value)
{
	record->fields =
	    bh_xrealloc(record->fields, (record->fields_n + 1) * sizeof(record->fields[0]));
	record->fields[record->fields_n++] =
	    (struct record_field){.name = bh_xstrdup(name), .type = type, .value = value};
}

void
record_drop_field(struct record *record, size_t index)
{
	free(record->fields[index].name);
	json_decref(record->fields[index].value);
	record->fields_n--;
	memmove(&record->fields[index], &record->fields[index + 1],
	    (record->fields_n - index) * sizeof(record->fields[0]));
}

struct record_parent *
record_add_parent(struct record *record, const char *field, const char *object,
    const char *key_field, const char *key)
{
	struct record_parent *parent;

	record->parents =
	    bh_xrealloc(record->parents, (record->parents_n + 1) * sizeof(record->parents[0]));
	parent = &record->parents[record->parents_n++];
	*parent = (struct record_parent){
	    .field = bh_xstrdup(field),
	    .object = bh_xstrdup(object),
	    .key_field = bh_xstrdup(key_field),
	    .key = bh_xstrdup(key),
	};
	return parent;
}

void
record_add_former(struct record *record, const char *object, const char *remote_id)
{
	record->formers =
	    bh_xrealloc(record->formers, (record->formers_n + 1) * sizeof(record->formers[0]));
	record->formers[record->formers_n++] =
	    (struct record_former){bh_xstrdup(object), bh_xstrdup(remote_id)};
}

/*
 * Parts end with NUL, which no text holds, and the number of fields stands
 * before them: no two records give the same bytes.
 */
static void
add_part(struct bh_buf *bytes, const char *text)
{
	bh_buf_add(bytes, text, strlen(text) + 1);
}

/* What is written only once is no reason to write again. */
static size_t
count_hashed(const struct record *record)
{
	size_t n = 0;

	for (size_t i = 0; i < record->fields_n; i++)
		n += record->fields[i].when != RECORD_ON_CREATE;
	return n;
}

void
record_hash(const struct record *record, char out[65])
{
	struct bh_buf bytes = BH_BUF_INIT(SIZE_MAX / 2);
	unsigned char digest[BH_SHA256_LEN];

	add_part(&bytes, record->object);
	add_part(&bytes, record->key_field);
	add_part(&bytes, record->key);
	bh_buf_addf(&bytes, "%zu", count_hashed(record));
	bh_buf_addc(&bytes, '\0');
	for (size_t i = 0; i < record->fields_n; i++) {
		if (record->fields[i].when == RECORD_ON_CREATE)
			continue;
		add_part(&bytes, record->fields[i].name);
		bh_buf_addf(&bytes, "%d", (int)record->fields[i].type);
		bh_json_add(&bytes, record->fields[i].value);
		bh_buf_addc(&bytes, '\0');
	}
	for (size_t i = 0; i < record->parents_n; i++) {
		add_part(&bytes, record->parents[i].field);
		add_part(&bytes, record->parents[i].object);
		add_part(&bytes, record->parents[i].key_field);
		add_part(&bytes, record->parents[i].key);
	}
	bh_sha256(digest, bytes.data, bytes.len);
	bh_hex(out, digest, sizeof(digest));
	bh_buf_release(&bytes);
}
