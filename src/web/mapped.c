/* See mapped.h. */
#include "base/base.h"

#include "web/mapped.h"

#include "base/json.h"
#include "base/text.h"
#include "map/shape.h"
#include "web/mapping.h"
#include "web/words.h"

static void
release_sync(struct mapped_sync *sync)
{
	map_free(&sync->map);
	json_decref(sync->shaped);
	account_sync_release(&sync->account);
	account_connection_release(&sync->from);
	account_connection_release(&sync->to);
}

void
mapped_release(struct mapped *mapped)
{
	for (size_t i = 0; i < mapped->n; i++)
		release_sync(&mapped->items[i]);
	free(mapped->items);
	memset(mapped, 0, sizeof(*mapped));
}

/* Where its records are: what was learnt with the tokens, which stay where they are. */
static int
read_place(struct exchange *exchange, struct mapped_sync *sync, struct bh_err *err)
{
	json_t *auth = NULL;
	int rc = 0;

	if (exchange->site->has_key)
		rc = account_auth_load(exchange_read(exchange), &exchange->site->key, sync->to.code,
		    &auth, err);
	if (rc > 0) {
		bh_json_copy(sync->place.base_url, sizeof(sync->place.base_url), auth, "base_url");
		bh_json_copy(sync->place.account_id, sizeof(sync->place.account_id), auth,
		    "account_id");
	}
	json_decref(auth);
	/* Tokens that another key sealed are no reason to show nothing. */
	return rc < 0 && err != NULL && err->code != BH_DENIED ? -1 : 0;
}

static bool
is_compiled(struct mapped_sync *sync)
{
	const char *prefix = bh_json_str(sync->to.settings, "prefix");

	return map_shape(sync->account.mapping, sync->account.settings, sync->dest->prefix,
		   prefix != NULL && *prefix != '\0' ? prefix : NULL, &sync->shaped, NULL) == 0 &&
	       map_new(sync->shaped, &sync->map, NULL) == 0;
}

/* 1, 0 it cannot be used, -1; what was filled is released by the caller. */
static int
load_sync(struct exchange *exchange, const char *code, const char *from, const char *to,
    struct mapped_sync *sync, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	int rc = account_sync_load(txn, code, &sync->account, err);

	if (rc <= 0)
		return rc;
	if ((from != NULL && strcmp(sync->account.from, from) != 0) ||
	    (to != NULL && strcmp(sync->account.to, to) != 0))
		return 0;
	rc = account_connection_load(txn, NULL, sync->account.from, &sync->from, err);
	if (rc > 0)
		rc = account_connection_load(txn, NULL, sync->account.to, &sync->to, err);
	if (rc <= 0)
		return rc;
	sync->source = source_driver(sync->from.driver);
	sync->dest = dest_driver(sync->to.driver);
	if (sync->dest == NULL || !is_compiled(sync))
		return 0;
	return read_place(exchange, sync, err) < 0 ? -1 : 1;
}

int
mapped_load(struct exchange *exchange, const char *from, const char *to, const char *code,
    struct mapped *mapped, struct bh_err *err)
{
	json_t *codes = NULL, *one;
	size_t i;
	int rc = account_syncs(exchange_read(exchange), &codes, err);

	*mapped =
	    (struct mapped){bh_xcalloc(json_array_size(codes) + 1, sizeof(struct mapped_sync)), 0};
	json_array_foreach (codes, i, one) {
		struct mapped_sync *sync = &mapped->items[mapped->n];

		if (code != NULL && strcmp(code, json_string_value(one)) != 0)
			continue;
		rc = load_sync(exchange, json_string_value(one), from, to, sync, err);
		if (rc > 0) {
			mapped->n++;
			continue;
		}
		release_sync(sync);
		memset(sync, 0, sizeof(*sync));
		if (rc < 0)
			break;
	}
	json_decref(codes);
	if (rc < 0)
		mapped_release(mapped);
	return rc < 0 ? -1 : 0;
}

const struct mapped_sync *
mapped_find(const struct mapped *mapped, const char *code)
{
	for (size_t i = 0; i < mapped->n; i++)
		if (strcmp(mapped->items[i].account.code, code) == 0)
			return &mapped->items[i];
	return NULL;
}

const struct map_object *
mapped_object(const struct mapped_sync *sync, const char *name, size_t *index_r)
{
	const struct map_object *objects;
	size_t n = map_objects(sync->map, &objects);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(objects[i].name, name) != 0)
			continue;
		if (index_r != NULL)
			*index_r = i;
		return &objects[i];
	}
	return NULL;
}

struct link_id
mapped_link(const struct mapped_sync *sync, const struct map_object *object, const char *account,
    const char *id)
{
	return (struct link_id){sync->account.to, object->rank, sync->account.code, object->name,
	    account, id};
}

json_t *
mapped_record_url(const struct mapped_sync *sync, const struct map_object *object,
    const char *remote_id)
{
	struct bh_buf to = BH_BUF_INIT(1024), url = BH_BUF_INIT(4096);
	const struct map_object *objects;
	json_t *text;

	map_objects(sync->map, &objects);
	if (sync->dest->record_url != NULL && *remote_id != '\0' &&
	    map_object_to(sync->map, (size_t)(object - objects), sync->account.settings, &to,
		NULL) == 0)
		sync->dest->record_url(&sync->place, bh_buf_str(&to), remote_id, &url);
	text = words_json(bh_buf_str(&url));
	bh_buf_release(&to);
	bh_buf_release(&url);
	return text;
}

json_t *
mapped_mapping_url(const struct exchange *exchange, const struct mapped_sync *sync,
    const char *object)
{
	const json_t *objects = json_object_get(sync->account.mapping, "objects"), *one;
	char *segment = NULL;
	json_t *url;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)objects, i, one) {
		const char *name = bh_json_str(one, "name");

		if (segment == NULL && name != NULL && strcmp(name, object) == 0)
			segment = mapping_segment(one, i);
	}
	url = json_sprintf("%s/syncs/%s/mapping%s%s", exchange->request->base, sync->account.code,
	    segment != NULL ? "/" : "", segment != NULL ? segment : "");
	free(segment);
	return url;
}

void
mapped_path_add(struct bh_buf *out, const struct link_id *id)
{
	bh_buf_adds(out, "/records/");
	bh_percent_add(out, id->sync, strlen(id->sync));
	bh_buf_addc(out, '/');
	bh_percent_add(out, id->object, strlen(id->object));
	bh_buf_adds(out, "?id=");
	bh_percent_add(out, id->id, strlen(id->id));
	if (*id->account != '\0') {
		bh_buf_adds(out, "&account=");
		bh_percent_add(out, id->account, strlen(id->account));
	}
}

json_t *
mapped_url(const struct exchange *exchange, const struct link_id *id)
{
	struct bh_buf url = BH_BUF_INIT(8192);
	json_t *text;

	bh_buf_adds(&url, exchange->request->base);
	mapped_path_add(&url, id);
	text = json_string(bh_buf_str(&url));
	bh_buf_release(&url);
	return text;
}
