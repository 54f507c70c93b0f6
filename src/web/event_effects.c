/*
 * What came of an event: see event_effects.h.  The journal names objects
 * without the account that a source may have several of: those of others than
 * the source's own are shown without their records.
 */
#include "base/base.h"

#include "web/event_effects.h"

#include "base/clock.h"
#include "base/text.h"
#include "web/link_view.h"
#include "web/words.h"

#define KIND_MAX 32

struct effects {
	struct exchange *exchange;
	struct mapped mapped;
	json_t *list;
};

/* "invoice in_1": kind and id, borrowed from text; false where it is none of these. */
static bool
is_object(const char *text, enum object_kind *kind_r, const char **id_r)
{
	char kind[KIND_MAX];
	size_t len = strcspn(text, " ");

	if (text[len] == '\0' || len >= sizeof(kind))
		return false;
	memcpy(kind, text, len);
	kind[len] = '\0';
	*kind_r = object_kind_of(kind);
	*id_r = text + len + 1;
	return *kind_r != OBJECT_NONE && **id_r != '\0';
}

/* Its record of one mapped object, where anything is known of it. */
static int
add_record(struct effects *effects, const struct mapped_sync *sync, const struct map_object *object,
    const char *id, json_t *records, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(effects->exchange);
	struct link_id of = mapped_link(sync, object, "", id);
	struct link link;
	bool is_marked;

	if (link_get_many(txn, &of, 1, &link, err) < 0 ||
	    link_marked_many(txn, &of, 1, &is_marked, err) < 0)
		return -1;
	if (link.state != LINK_NEW || is_marked)
		json_array_append_new(records,
		    link_view(effects->exchange, sync, object, &of, &link, is_marked, bh_now_ms()));
	return 0;
}

static int
add_records(struct effects *effects, enum object_kind kind, const char *id, json_t *records,
    struct bh_err *err)
{
	for (size_t s = 0; s < effects->mapped.n; s++) {
		const struct map_object *objects;
		size_t n = map_objects(effects->mapped.items[s].map, &objects);

		for (size_t i = 0; i < n; i++)
			if (objects[i].from == kind &&
			    add_record(effects, &effects->mapped.items[s], &objects[i], id, records,
				err) < 0)
				return -1;
	}
	return 0;
}

static json_t *
customer_url(const struct exchange *exchange, const char *connection, const char *id)
{
	struct bh_buf url = BH_BUF_INIT((size_t)4 * REQUEST_PATH_MAX);
	json_t *json;

	bh_buf_addf(&url, "%s/customers/%s?id=", exchange->request->base, connection);
	bh_percent_add(&url, id, strlen(id));
	json = words_json(bh_buf_str(&url));
	bh_buf_release(&url);
	return json;
}

static int
add_object(struct effects *effects, const char *connection, const char *text, struct bh_err *err)
{
	enum object_kind kind = OBJECT_NONE;
	const char *id = NULL;
	json_t *records = json_array(), *url = NULL;
	int rc = 0;

	if (is_object(text, &kind, &id)) {
		rc = add_records(effects, kind, id, records, err);
		if (kind == OBJECT_CUSTOMER)
			url = customer_url(effects->exchange, connection, id);
	}
	json_array_append_new(effects->list,
	    json_pack("{s:o, s:o, s:b, s:o}", "text", words_json(text), "customer_url",
		url != NULL ? url : json_string(""), "has_records", json_array_size(records) > 0,
		"records", records));
	return rc;
}

int
event_effects(struct exchange *exchange, const struct journal_event *event, json_t **list_r,
    struct bh_err *err)
{
	struct effects effects = {.exchange = exchange};
	json_t *one;
	size_t i;
	int rc = mapped_load(exchange, event->connection, NULL, NULL, &effects.mapped, err);

	effects.list = json_array();
	json_array_foreach (event->objects, i, one)
		if (rc == 0 && i < EVENT_EFFECTS_MAX && json_is_string(one))
			rc = add_object(&effects, event->connection, json_string_value(one), err);
	mapped_release(&effects.mapped);
	if (rc < 0)
		json_decref(effects.list);
	*list_r = rc < 0 ? NULL : effects.list;
	return rc < 0 ? -1 : 0;
}
