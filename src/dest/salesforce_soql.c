/*
 * SOQL: texts that stand in the address of a query.  What comes from outside
 * goes in only as a quoted value, as a checked name or as a checked id; a
 * malformed id would fail the whole query.
 */
#include "base/base.h"

#include <ctype.h>

#include "base/text.h"
#include "dest/salesforce_look.h"

void
salesforce_soql_begin(const struct dest_config *config, struct bh_buf *path, const char *what)
{
	bh_buf_addf(path, "/services/data/v%s/%s?q=", salesforce_version(config), what);
}

static void
add_char(struct bh_buf *path, char c)
{
	if (c == ' ')
		bh_buf_addc(path, '+');
	else
		bh_percent_add(path, &c, 1);
}

void
salesforce_soql_add(struct bh_buf *path, const char *soql)
{
	for (; *soql != '\0'; soql++)
		add_char(path, *soql);
}

/* What follows a backslash in place of c; 0: c stands for itself (SOQL guide: quoted string escapes). */
static char
escape_of(char c, bool is_like)
{
	switch (c) {
	case '\'':
	case '\\':
		return c;
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	case '%':
	case '_':
		return is_like ? c : '\0';
	default:
		return '\0';
	}
}

static void
add_escaped(struct bh_buf *path, const char *value, bool is_like)
{
	for (; *value != '\0'; value++) {
		char escape = escape_of(*value, is_like);

		if (escape != '\0') {
			add_char(path, '\\');
			add_char(path, escape);
		} else if (iscntrl((unsigned char)*value)) {
			add_char(path, ' ');
		} else {
			add_char(path, *value);
		}
	}
}

void
salesforce_soql_quote(struct bh_buf *path, const char *value, bool is_like)
{
	add_char(path, '\'');
	if (is_like)
		add_char(path, '%');
	add_escaped(path, value, is_like);
	if (is_like)
		add_char(path, '%');
	add_char(path, '\'');
}

bool
salesforce_is_name(const char *text)
{
	size_t len = strlen(text);

	if (!isalpha((unsigned char)text[0]) || len > 200 || text[len - 1] == '.' ||
	    strstr(text, "..") != NULL)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '.')
			return false;
	}
	return true;
}

/*
 * The three characters behind a 15-character id: each stands for five of its
 * characters and says which of them are upper case.
 */
static void
suffix_of(char out[4], const char *id)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

	for (size_t group = 0; group < 3; group++) {
		unsigned bits = 0;

		for (size_t i = 0; i < 5; i++) {
			char c = id[group * 5 + i];

			bits |= (unsigned)(c >= 'A' && c <= 'Z') << i;
		}
		out[group] = digits[bits];
	}
	out[3] = '\0';
}

bool
salesforce_is_id(const char *text)
{
	size_t len = strlen(text);
	char suffix[4];

	if (len != 15 && len != 18)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]))
			return false;
	}
	suffix_of(suffix, text);
	return len == 15 || strcmp(text + 15, suffix) == 0;
}

bool
salesforce_is_same_id(const char *a, const char *b)
{
	return salesforce_is_id(a) && salesforce_is_id(b) && strncmp(a, b, 15) == 0;
}

const char *
salesforce_name_field(const char *object)
{
	static const char *const others[][2] = {
	    {"Task", "Subject"},
	    {"Event", "Subject"},
	    {"Case", "Subject"},
	    {"Contract", "ContractNumber"},
	    {"Order", "OrderNumber"},
	};

	for (size_t i = 0; i < BH_LEN(others); i++) {
		if (strcmp(others[i][0], object) == 0)
			return others[i][1];
	}
	return "Name";
}
