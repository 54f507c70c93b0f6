/* Mentions: see mention.h. */
#include "base/base.h"

#include "sync/mention.h"

#include <ctype.h>

#include "base/text.h"

#define ID_MAX 255
#define EMAIL_MAX 320
#define LITERAL_MAX 4096 /* a string with escapes that is longer is no id */
#define SURE_MIN 12
#define WORD_MAX 1024 /* a longer word is no name of a record */

struct mention {
	json_t *ids;    /* id: the kinds that it is of, as bits */
	json_t *emails; /* in lower case */
};

struct mention *
mention_new(void)
{
	struct mention *mention = bh_xcalloc(1, sizeof(*mention));

	mention->ids = json_object();
	mention->emails = json_object();
	return mention;
}

void
mention_free(struct mention **mention)
{
	if (*mention == NULL)
		return;
	json_decref((*mention)->ids);
	json_decref((*mention)->emails);
	free(*mention);
	*mention = NULL;
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = (char)tolower((unsigned char)*text);
}

void
mention_add(struct mention *mention, enum object_kind kind, const char *id)
{
	json_int_t kinds = json_integer_value(json_object_get(mention->ids, id));

	if (*id != '\0')
		json_object_set_new(mention->ids, id, json_integer(kinds | (json_int_t)1 << kind));
}

void
mention_add_email(struct mention *mention, const char *email)
{
	struct bh_buf text = BH_BUF_INIT(SIZE_MAX / 2);

	bh_fold_add(&text, email, strlen(email));
	json_object_set_new(mention->emails, bh_buf_str(&text), json_true());
	bh_buf_release(&text);
}

/* The kinds of this id, as bits; 0 when it is none of ours. */
static json_int_t
kinds_of(const struct mention *mention, const char *id, size_t len)
{
	char text[ID_MAX + 1];

	if (len == 0 || len > ID_MAX)
		return 0;
	memcpy(text, id, len);
	text[len] = '\0';
	return json_integer_value(json_object_get(mention->ids, text));
}

static bool
is_sure(const char *id, size_t len)
{
	bool letter = false, digit = false;

	for (size_t i = 0; i < len; i++) {
		letter = letter || isalpha((unsigned char)id[i]);
		digit = digit || isdigit((unsigned char)id[i]);
	}
	return len >= SURE_MIN && letter && digit;
}

bool
is_mentioned_surely(const struct mention *mention, const char *id)
{
	return is_sure(id, strlen(id)) && kinds_of(mention, id, strlen(id)) != 0;
}

/* -- addresses -- */

static bool
is_email_char(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
	       (c != '\0' && strchr("@.!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_email(const struct mention *mention, const char *word, size_t len)
{
	struct bh_buf text = BH_BUF_INIT(SIZE_MAX / 2);
	bool is_ours;

	while (len > 0 && word[len - 1] == '.')
		len--;
	if (len > EMAIL_MAX || memchr(word, '@', len) == NULL)
		return false;
	bh_fold_add(&text, word, len);
	is_ours = json_object_get(mention->emails, bh_buf_str(&text)) != NULL;
	bh_buf_release(&text);
	return is_ours;
}

static bool
has_email(const struct mention *mention, const char *text, size_t len)
{
	size_t begin = 0;

	if (json_object_size(mention->emails) == 0 || memchr(text, '@', len) == NULL)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && is_email_char(text[i]))
			continue;
		if (i > begin && is_email(mention, text + begin, i - begin))
			return true;
		begin = i + 1;
	}
	return false;
}

/* -- JSON, by its tokens -- */

#define DEPTH_MAX (BH_JSON_DEPTH * 2)

struct look {
	const struct mention *mention;
	const char *at, *end;
	const char *key; /* the last one; not terminated */
	size_t key_len;
	json_int_t within[DEPTH_MAX]; /* kinds that the keys around name, as bits */
	size_t depth;
};

/* Words in keys that name a kind, beside the names of the kinds. */
static const struct {
	const char *word;
	enum object_kind kind;
} words[] = {{"account", OBJECT_CUSTOMER}, {"charge", OBJECT_PAYMENT},
    {"transaction", OBJECT_PAYMENT}, {"creditnote", OBJECT_CREDIT_NOTE}};

static json_int_t
kinds_in_key(const char *key, size_t len)
{
	json_int_t kinds = 0;
	char text[64];

	if (len >= sizeof(text))
		return 0;
	memcpy(text, key, len);
	text[len] = '\0';
	lower(text);
	for (int kind = 1; kind < OBJECT__MAX; kind++)
		if (!is_object_virtual((enum object_kind)kind) &&
		    strstr(text, object_kind_name((enum object_kind)kind)) != NULL)
			kinds |= (json_int_t)1 << kind;
	for (size_t i = 0; i < BH_LEN(words); i++)
		if (strstr(text, words[i].word) != NULL)
			kinds |= (json_int_t)1 << words[i].kind;
	return kinds;
}

/* "id", "external_id", "customerId", "code" ... */
static bool
is_id_key(const char *key, size_t len)
{
	static const char *const ends[] = {"id", "code", "reference", "handle"};

	for (size_t i = 0; i < BH_LEN(ends); i++) {
		size_t end_len = strlen(ends[i]);
		const char *end = key + len - end_len;

		if (len < end_len)
			continue;
		if (len == end_len && memcmp(end, ends[i], end_len) == 0)
			return true;
		if (len > end_len && tolower((unsigned char)*end) == ends[i][0] &&
		    memcmp(end + 1, ends[i] + 1, end_len - 1) == 0 &&
		    (end[-1] == '_' || end[-1] == '-' || isupper((unsigned char)*end)))
			return true;
	}
	return false;
}

/* Is this value one of our ids, where it stands? */
static bool
is_id(const struct look *look, const char *value, size_t len)
{
	json_int_t kinds = kinds_of(look->mention, value, len), named;

	if (kinds == 0)
		return false;
	if (is_sure(value, len))
		return true;
	named = kinds_in_key(look->key, look->key_len);
	if (named == 0 && !is_id_key(look->key, look->key_len))
		return false;
	if (named == 0 && look->depth < DEPTH_MAX)
		named = look->within[look->depth];
	return named == 0 || (named & kinds) != 0;
}

static bool
is_value(const struct look *look, const char *value, size_t len)
{
	return is_id(look, value, len) || has_email(look->mention, value, len);
}

/* The same of a string with escapes; quoted, with its quotes. */
static bool
is_escaped_value(const struct look *look, const char *quoted, size_t len)
{
	json_t *value = len <= LITERAL_MAX ? json_loadb(quoted, len, JSON_DECODE_ANY, NULL) : NULL;
	bool found;

	if (json_is_string(value))
		found = is_value(look, json_string_value(value), json_string_length(value));
	else
		found = has_email(look->mention, quoted, len);
	json_decref(value);
	return found;
}

/* A string at look->at, which stands at its quote; moves behind it. */
static bool
is_string_found(struct look *look)
{
	const char *begin = look->at + 1, *end = begin;
	bool has_escape = false;

	while (end < look->end && *end != '"') {
		if (*end == '\\' && end + 1 < look->end) {
			has_escape = true;
			end++;
		}
		end++;
	}
	look->at = end < look->end ? end + 1 : look->end;
	while (look->at < look->end && isspace((unsigned char)*look->at))
		look->at++;
	if (look->at < look->end && *look->at == ':') {
		look->key = begin;
		look->key_len = (size_t)(end - begin);
		return is_sure(begin, look->key_len) &&
		       kinds_of(look->mention, begin, look->key_len) != 0;
	}
	if (has_escape) /* with its quotes; the last one is missing where the text breaks off */
		return is_escaped_value(look, begin - 1,
		    (size_t)(end - begin) + 1 + (end < look->end));
	return is_value(look, begin, (size_t)(end - begin));
}

static bool
is_number_found(struct look *look)
{
	const char *begin = look->at;

	while (look->at < look->end &&
	       (isalnum((unsigned char)*look->at) || strchr("+-.", *look->at) != NULL))
		look->at++;
	return is_id(look, begin, (size_t)(look->at - begin));
}

static void
enter(struct look *look)
{
	json_int_t named = kinds_in_key(look->key, look->key_len);
	json_int_t outside = look->depth < DEPTH_MAX ? look->within[look->depth] : 0;

	look->depth++;
	if (look->depth < DEPTH_MAX)
		look->within[look->depth] = named != 0 ? named : outside;
}

bool
is_mentioned_in_json(const struct mention *mention, const char *text, size_t len)
{
	struct look look = {.mention = mention, .at = text, .end = text + len, .key = ""};

	if (json_object_size(mention->ids) == 0 && json_object_size(mention->emails) == 0)
		return false;
	while (look.at < look.end) {
		char c = *look.at;

		if (c == '"' || isdigit((unsigned char)c)) {
			if (c == '"' ? is_string_found(&look) : is_number_found(&look))
				return true;
			continue;
		}
		if (c == '{' || c == '[')
			enter(&look);
		else if ((c == '}' || c == ']') && look.depth > 0)
			look.depth--;
		look.at++;
	}
	return false;
}

/* -- text -- */

/* A word, and what stands in it behind each colon or slash. */
static bool
is_word(const struct mention *mention, const char *word, size_t len)
{
	bool has_name = false; /* something stands in front that says what it is */

	while (len > 0 && (word[len - 1] == '.' || word[len - 1] == ':'))
		len--;
	for (;;) {
		const char *colon;

		if ((has_name || is_sure(word, len)) && kinds_of(mention, word, len) != 0)
			return true;
		colon = memchr(word, ':', len);
		if (colon == NULL)
			colon = memchr(word, '/', len);
		if (colon == NULL)
			return false;
		len -= (size_t)(colon + 1 - word);
		word = colon + 1;
		has_name = true;
	}
}

bool
is_mentioned_in_text(const struct mention *mention, const char *text, size_t len)
{
	size_t begin = 0;

	if (has_email(mention, text, len))
		return true;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && !isspace((unsigned char)text[i]) &&
		    strchr("\"',;()[]{}<>\\", text[i]) == NULL)
			continue;
		if (i > begin && i - begin <= WORD_MAX && is_word(mention, text + begin, i - begin))
			return true;
		begin = i + 1;
	}
	return false;
}
