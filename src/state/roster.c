/*
 * The list of customers.  An entry exists while its customer is held and not
 * deleted; it has no value: everything stands in the key.
 *
 * Keys: Cn <name> <connection> <account> <id> by name; Cw <word> <connection>
 * <account> <id> other words that lead there; Cm <currency> <MRR, the largest
 * first> <connection> <account> <id>; Ce <connection> <account> <id> stamps of
 * its last events, newest first.  Names and words are folded (bh_fold_add()).
 */
#include "base/base.h"

#include "state/roster.h"

#include "base/json.h"
#include "base/text.h"
#include "store/key.h"

#define NAME_WORDS 3 /* of a name, beside its first */
#define ENTRIES_MAX 16
#define ACCOUNTS_MAX 50  /* of a connection, that are searched by id */
#define CURRENCIES_MAX 8 /* of one customer */

/* -- entries of one customer -- */

struct entries {
	struct key keys[ENTRIES_MAX];
	size_t n;
};

static void
add_identity(struct key *key, const struct mirror_id *customer)
{
	key_text(key, customer->connection);
	key_text(key, customer->account);
	key_text(key, customer->id);
}

/* Bytes of a text that stand in a key, cut at a character. */
static void
add_term(struct key *key, const char *folded, size_t len)
{
	char text[ROSTER_SEARCH_MAX + 1];

	while (len > ROSTER_SEARCH_MAX || (len > 0 && ((unsigned char)folded[len] & 0xc0) == 0x80))
		len--;
	memcpy(text, folded, len);
	text[len] = '\0';
	key_text(key, text);
}

static bool
is_same_key(const struct key *a, const struct key *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static bool
has_key(const struct entries *entries, const struct key *key)
{
	for (size_t i = 0; i < entries->n; i++)
		if (is_same_key(&entries->keys[i], key))
			return true;
	return false;
}

static void
add_entry(struct entries *entries, const char *family, const struct mirror_id *customer,
    const char *folded, size_t len)
{
	struct key *key = &entries->keys[entries->n];

	if (len == 0 || entries->n == ENTRIES_MAX)
		return;
	key_begin(key, family);
	add_term(key, folded, len);
	add_identity(key, customer);
	if (!key->too_long && !has_key(entries, key))
		entries->n++;
}

/* Words behind the first: "Example Holding Ltd" is found by "hol", too. */
static void
add_words(struct entries *entries, const struct mirror_id *customer, const char *folded)
{
	const char *at = strchr(folded, ' ');

	for (int i = 0; i < NAME_WORDS && at != NULL; i++) {
		const char *end = strchr(at + 1, ' ');

		add_entry(entries, "Cw", customer, at + 1,
		    end != NULL ? (size_t)(end - at - 1) : strlen(at + 1));
		at = end;
	}
}

const char *
roster_title(const json_t *fields, const char *id)
{
	static const char *const names[] = {"name", "legal_name", "email"};

	for (size_t i = 0; i < BH_LEN(names); i++) {
		const char *text = bh_json_str(fields, names[i]);

		if (text != NULL && *text != '\0')
			return text;
	}
	return id;
}

static void
add_names(struct entries *entries, const struct mirror_id *customer, const json_t *fields)
{
	static const char *const others[] = {"legal_name", "email", "external_id"};
	struct bh_buf folded = BH_BUF_INIT(SIZE_MAX / 2);
	const char *title = roster_title(fields, customer->id);

	bh_fold_add(&folded, title, strlen(title));
	if (folded.len == 0) /* nothing but spaces: it stands before all others */
		bh_buf_adds(&folded, "\x01");
	add_entry(entries, "Cn", customer, bh_buf_str(&folded), folded.len);
	add_words(entries, customer, bh_buf_str(&folded));
	for (size_t i = 0; i < BH_LEN(others); i++) {
		const char *text = bh_json_str(fields, others[i]);

		if (text == NULL || strcmp(text, title) == 0 || strcmp(text, customer->id) == 0)
			continue;
		bh_buf_reset(&folded);
		bh_fold_add(&folded, text, strlen(text));
		add_entry(entries, "Cw", customer, bh_buf_str(&folded), folded.len);
	}
	bh_buf_release(&folded);
}

static void
add_mrr(struct entries *entries, const struct mirror_id *customer, const json_t *derived)
{
	const char *currency;
	json_t *amount;
	size_t n = 0;

	json_object_foreach (json_object_get(derived, "mrr_by_currency"), currency, amount) {
		struct key *key = &entries->keys[entries->n];

		if (json_integer_value(amount) <= 0)
			continue;
		if (entries->n == ENTRIES_MAX || ++n > CURRENCIES_MAX)
			return;
		key_begin(key, "Cm");
		key_text(key, currency);
		key_u64(key, UINT64_MAX - (uint64_t)json_integer_value(amount));
		add_identity(key, customer);
		entries->n += !key->too_long;
	}
}

/* -- moving -- */

static void
replace(struct store_txn *txn, const struct entries *was, const struct entries *now, bool is_again)
{
	for (size_t i = 0; i < was->n; i++)
		if (!has_key(now, &was->keys[i]))
			store_delete(txn, was->keys[i].data, was->keys[i].len);
	for (size_t i = 0; i < now->n; i++)
		if (is_again || !has_key(was, &now->keys[i]))
			store_put(txn, now->keys[i].data, now->keys[i].len, "", 0);
}

static void
fill(struct entries *entries, const struct mirror_id *customer, const struct roster_view *view)
{
	entries->n = 0;
	if (view->fields == NULL)
		return;
	add_names(entries, customer, view->fields);
	add_mrr(entries, customer, view->derived);
}

void
roster_move(struct store_txn *txn, const struct mirror_id *customer, const struct roster_view *was,
    const struct roster_view *now, bool is_again)
{
	struct entries *both = bh_xcalloc(2, sizeof(both[0]));

	fill(&both[0], customer, was);
	fill(&both[1], customer, now);
	replace(txn, &both[0], &both[1], is_again);
	free(both);
}

void
roster_move_derived(struct store_txn *txn, const struct mirror_id *customer, const json_t *was,
    const json_t *now)
{
	struct entries *both;

	if (json_equal(json_object_get(was, "mrr_by_currency"),
		json_object_get(now, "mrr_by_currency")))
		return;
	both = bh_xcalloc(2, sizeof(both[0]));
	add_mrr(&both[0], customer, was);
	add_mrr(&both[1], customer, now);
	replace(txn, &both[0], &both[1], false);
	free(both);
}

/* -- listing -- */

struct listing {
	struct store_txn *txn;
	size_t left;
	struct bh_buf *after; /* the key behind which to go on; that of the last one told */
	int (*each)(void *arg, const struct mirror_id *customer, struct bh_err *err);
	void *arg;
	bool more;
};

static void
remember(struct listing *l, const struct store_entry *last)
{
	bh_buf_reset(l->after);
	bh_buf_add(l->after, last->key, last->key_len);
}

/* Whom an entry of any of these families names; strings are borrowed. */
static bool
is_customer(const struct store_entry *entry, struct mirror_id *customer)
{
	struct key_reader reader = {entry->key + 2, entry->key_len - 2};
	bool is_mrr = memcmp(entry->key, "Cm", 2) == 0, is_id = memcmp(entry->key, "Mo", 2) == 0;
	const char *skipped;
	uint64_t amount;

	*customer = (struct mirror_id){.kind = OBJECT_CUSTOMER};
	if (is_id)
		return is_key_text(&reader, &customer->connection) &&
		       is_key_text(&reader, &skipped) && is_key_text(&reader, &customer->account) &&
		       is_key_text(&reader, &customer->id);
	return is_key_text(&reader, &skipped) && (!is_mrr || is_key_u64(&reader, &amount)) &&
	       is_key_text(&reader, &customer->connection) &&
	       is_key_text(&reader, &customer->account) && is_key_text(&reader, &customer->id);
}

/* Those below a prefix that are behind the place where the listing is. */
static int
list_below(struct listing *l, const struct key *prefix, struct bh_err *err)
{
	struct store_scan scan = {.prefix = prefix->data,
	    .prefix_len = prefix->len,
	    .max = l->left,
	    .keys_only = true};
	struct bh_buf from = BH_BUF_INIT(STORE_KEY_MAX + 1);
	const struct store_entry *entries;
	size_t n = 0;
	int rc = 0;

	if (l->left == 0) {
		l->more = true;
		return 0;
	}
	if (l->after->len >= prefix->len &&
	    memcmp(l->after->data, prefix->data, prefix->len) == 0) {
		bh_buf_add(&from, l->after->data, l->after->len);
		bh_buf_addc(&from, '\0'); /* the least key behind it */
		scan.from = from.data;
		scan.from_len = from.len;
	}
	rc = store_scan(l->txn, &scan, &entries, &n, &l->more, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct mirror_id customer;

		if (!is_customer(&entries[i], &customer))
			rc = bh_fail(err, BH_STORAGE, "the list of customers has a broken key");
		else
			rc = l->each(l->arg, &customer, err);
	}
	if (n != 0)
		remember(l, &entries[n - 1]);
	l->left -= n;
	bh_buf_release(&from);
	return rc;
}

/* Is everything below this prefix before the place where the listing is? */
static bool
is_passed(const struct listing *l, const struct key *prefix)
{
	size_t len = l->after->len < prefix->len ? l->after->len : prefix->len;

	return l->after->len != 0 && memcmp(l->after->data, prefix->data, len) > 0;
}

static int
list_by_term(struct listing *l, const char *family, const struct bh_buf *folded, struct bh_err *err)
{
	struct key prefix;

	key_begin(&prefix, family);
	key_raw(&prefix, folded->data,
	    folded->len < ROSTER_SEARCH_MAX ? folded->len : ROSTER_SEARCH_MAX);
	return is_passed(l, &prefix) ? 0 : list_below(l, &prefix, err);
}

/* The account of the first customer of a connection from a place on: 1 (copied), 0, -1. */
static int
next_account(struct store_txn *txn, const struct key *prefix, struct key *from, char *account,
    size_t size, struct bh_err *err)
{
	struct store_scan scan = {.prefix = prefix->data,
	    .prefix_len = prefix->len,
	    .from = from->data,
	    .from_len = from->len,
	    .max = 1,
	    .keys_only = true};
	const struct store_entry *entries;
	struct mirror_id customer;
	size_t n;
	bool more;

	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	if (n == 0 || !is_customer(&entries[0], &customer) || strlen(customer.account) >= size)
		return 0;
	snprintf(account, size, "%s", customer.account);
	*from = *prefix;
	key_raw(from, account, strlen(account));
	key_raw(from, "\1", 1);
	return 1;
}

/* Whose ids begin so, of one connection: the mirror's own keys tell it. */
static int
list_ids_of(struct listing *l, const char *connection, const char *id, struct bh_err *err)
{
	struct key prefix, from, of;
	char account[256];
	int rc = 0;

	key_begin(&prefix, "Mo");
	key_text(&prefix, connection);
	key_text(&prefix, object_kind_name(OBJECT_CUSTOMER));
	from = prefix;
	for (int i = 0; i < ACCOUNTS_MAX && rc == 0 && !l->more; i++) {
		rc = next_account(l->txn, &prefix, &from, account, sizeof(account), err);
		if (rc <= 0)
			break;
		of = prefix;
		key_text(&of, account);
		key_raw(&of, id, strlen(id));
		rc = is_passed(l, &of) ? 0 : list_below(l, &of, err);
	}
	return rc;
}

static int
list_by_id(struct listing *l, const char *id, struct bh_err *err)
{
	json_t *codes, *code;
	size_t i;
	int rc = mirror_connections(l->txn, &codes, err);

	json_array_foreach (codes, i, code)
		if (rc == 0 && !l->more)
			rc = list_ids_of(l, json_string_value(code), id, err);
	json_decref(codes);
	return rc;
}

static int
search(struct listing *l, const char *text, struct bh_err *err)
{
	struct bh_buf folded = BH_BUF_INIT(SIZE_MAX / 2);
	int rc;

	bh_fold_add(&folded, text, strlen(text));
	rc = list_by_term(l, "Cn", &folded, err);
	if (rc == 0 && !l->more)
		rc = list_by_term(l, "Cw", &folded, err);
	if (rc == 0 && !l->more && *text != '\0')
		rc = list_by_id(l, text, err);
	bh_buf_release(&folded);
	return rc;
}

/* As much as stands in a key, cut at a character. */
static void
cut_search(char out[ROSTER_SEARCH_MAX + 1], const char *text)
{
	snprintf(out, ROSTER_SEARCH_MAX + 1, "%s", text);
	bh_utf8_mend(out, strlen(text) > ROSTER_SEARCH_MAX);
}

int
roster_list(struct store_txn *txn, const struct roster_query *query, size_t max,
    struct bh_buf *after,
    int (*each)(void *arg, const struct mirror_id *customer, struct bh_err *err), void *arg,
    bool *more_r, struct bh_err *err)
{
	struct listing l = {txn, max, after, each, arg, false};
	char text[ROSTER_SEARCH_MAX + 1];
	struct key prefix;
	int rc;

	if (query->search != NULL && *query->search != '\0') {
		cut_search(text, query->search);
		rc = search(&l, text, err);
	} else {
		key_begin(&prefix, query->currency != NULL ? "Cm" : "Cn");
		if (query->currency != NULL)
			key_text(&prefix, query->currency);
		rc = list_below(&l, &prefix, err);
	}
	*more_r = l.more;
	return rc;
}

int
roster_currencies(struct store_txn *txn, size_t max, json_t **list_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Cm", .prefix_len = 2, .max = 1, .keys_only = true};
	const struct store_entry *entries;
	struct key from;
	size_t n;
	bool more;

	*list_r = json_array();
	while (json_array_size(*list_r) < max) {
		struct key_reader reader;
		const char *currency;

		if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
			return -1;
		if (n == 0)
			break;
		key_read(&reader, entries[0].key, entries[0].key_len, "Cm");
		if (!is_key_text(&reader, &currency))
			return bh_fail(err, BH_STORAGE, "the list of customers has a broken key");
		json_array_append_new(*list_r, json_string(currency));
		key_begin(&from, "Cm");
		key_raw(&from, currency, strlen(currency));
		key_raw(&from, "\1", 1);
		scan.from = from.data;
		scan.from_len = from.len;
	}
	return 0;
}

/* -- events -- */

static void
key_events(struct key *key, const struct mirror_id *customer)
{
	key_begin(key, "Ce");
	add_identity(key, customer);
}

static bool
is_same_customer(const struct mirror_id *a, const struct mirror_id *b)
{
	return strcmp(a->id, b->id) == 0 && strcmp(a->connection, b->connection) == 0 &&
	       strcmp(a->account, b->account) == 0;
}

/* Does an earlier one of the batch speak of the same customer? */
static bool
is_told_before(const struct roster_event *events, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (is_same_customer(&events[k].customer, &events[i].customer))
			return true;
	return false;
}

/* All of the batch that are of its customer, newest first, then those that were there. */
static void
put_events(struct store_txn *txn, const struct roster_event *events, size_t n, size_t i,
    const struct store_item *item)
{
	unsigned char value[ROSTER_EVENTS_MAX * 8];
	size_t len = 0;

	for (size_t k = n; k-- > i && len < sizeof(value);) {
		if (!is_same_customer(&events[k].customer, &events[i].customer))
			continue;
		bh_put_be64(value + len, events[k].stamp);
		len += 8;
	}
	for (size_t at = 0; item->found && at + 8 <= item->value_len && len < sizeof(value);
	     at += 8) {
		bool is_there = false;

		for (size_t k = 0; k < len; k += 8)
			is_there = is_there || memcmp(value + k, item->value + at, 8) == 0;
		if (is_there) /* a replay */
			continue;
		memcpy(value + len, item->value + at, 8);
		len += 8;
	}
	store_put(txn, item->key, item->key_len, value, len);
}

int
roster_note_events(struct store_txn *txn, const struct roster_event *events, size_t n,
    struct bh_err *err)
{
	struct key *keys = bh_xcalloc(n, sizeof(keys[0]));
	struct store_item *items = bh_xcalloc(n, sizeof(items[0]));
	size_t *of = bh_xcalloc(n, sizeof(of[0])), count = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		if (is_told_before(events, i))
			continue;
		key_events(&keys[count], &events[i].customer);
		items[count] =
		    (struct store_item){.key = keys[count].data, .key_len = keys[count].len};
		of[count++] = i;
	}
	if (count != 0)
		rc = store_get_many(txn, items, count, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		put_events(txn, events, n, of[i], &items[i]);
	free(of);
	free(items);
	free(keys);
	return rc;
}

int
roster_events(struct store_txn *txn, const struct mirror_id *customer,
    uint64_t stamps[ROSTER_EVENTS_MAX], size_t *n_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(ROSTER_EVENTS_MAX * 8);
	struct key key;
	int rc;

	*n_r = 0;
	key_events(&key, customer);
	rc = store_peek(txn, key.data, key.len, &value, err);
	for (size_t at = 0; rc > 0 && at + 8 <= value.len; at += 8)
		stamps[(*n_r)++] = bh_get_be64((unsigned char *)value.data + at);
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

void
roster_erase(struct store_txn *txn, const struct mirror_id *customer, const struct roster_view *was)
{
	struct key key;

	roster_move(txn, customer, was, &(struct roster_view){0}, false);
	key_events(&key, customer);
	store_delete(txn, key.data, key.len);
}
