/*
 * SOAP envelopes.  They are written without libxml2, whose buffers would keep
 * copies of the session that nobody wipes, and read with its streaming reader:
 * an answer never stands in memory as a tree that is larger than what is asked for.
 */
#include "base/base.h"

#include "dest/soap.h"

#include <libxml/xmlreader.h>

#include "base/text.h"

#define DEPTH_MAX 32
#define TEXT_MAX ((size_t)1024 * 1024) /* of one element */
#define XSI "http://www.w3.org/2001/XMLSchema-instance"
#define ENVELOPE "http://schemas.xmlsoap.org/soap/envelope/"
#define METADATA "http://soap.sforce.com/2006/04/metadata"

/* --- writing ------------------------------------------------------------ */

/* U+FFFE and U+FFFF are UTF-8, but no XML. */
static bool
is_noncharacter(const char *at)
{
	return strncmp(at, "\xef\xbf\xbe", 3) == 0 || strncmp(at, "\xef\xbf\xbf", 3) == 0;
}

static void
add_text(struct bh_buf *out, const char *text)
{
	struct bh_buf clean = BH_BUF_INIT(TEXT_MAX);

	bh_utf8_clean_add(&clean, text, strlen(text));
	for (size_t i = 0; i + 2 < clean.len; i++) {
		if (is_noncharacter(clean.data + i))
			memset(clean.data + i, ' ', 3);
	}
	bh_html_add(out, bh_buf_str(&clean), clean.len);
	bh_buf_wipe(&clean);
}

static void add_elements(struct bh_buf *out, const json_t *object);

static void
add_element(struct bh_buf *out, const char *name, const json_t *value)
{
	const char *type = json_string_value(json_object_get(value, "@type"));

	bh_buf_addf(out, "<%s", name);
	if (type != NULL) {
		bh_buf_adds(out, " xsi:type=\"");
		add_text(out, type);
		bh_buf_addc(out, '"');
	}
	bh_buf_addc(out, '>');
	if (json_is_object(value))
		add_elements(out, value);
	else if (json_is_string(value))
		add_text(out, json_string_value(value));
	else if (json_is_boolean(value))
		bh_buf_adds(out, json_is_true(value) ? "true" : "false");
	else
		bh_buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	bh_buf_addf(out, "</%s>", name);
}

static void
add_elements(struct bh_buf *out, const json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
		if (name[0] == '@' || json_is_null(value))
			continue;
		if (!json_is_array(value))
			add_element(out, name, value);
		for (size_t i = 0; i < json_array_size(value); i++)
			add_element(out, name, json_array_get(value, i));
	}
}

void
soap_write(struct bh_buf *out, const struct bh_secret *session, const char *call,
    const json_t *body)
{
	bh_buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			 "<soapenv:Envelope xmlns:soapenv=\"" ENVELOPE "\" xmlns=\"" METADATA
			 "\" xmlns:xsi=\"" XSI "\">"
			 "<soapenv:Header><CallOptions><client>Billhook/" PACKAGE_VERSION
			 "</client></CallOptions><SessionHeader><sessionId>");
	add_text(out, bh_secret_str(session));
	/* One component that is refused must not take the others with it. */
	bh_buf_adds(out, "</sessionId></SessionHeader>"
			 "<AllOrNoneHeader><allOrNone>false</allOrNone></AllOrNoneHeader>"
			 "</soapenv:Header><soapenv:Body>");
	add_element(out, call, body);
	bh_buf_adds(out, "</soapenv:Body></soapenv:Envelope>");
}

/* --- reading ------------------------------------------------------------ */

struct reading {
	xmlTextReaderPtr reader;
	size_t elements;
};

static const char *
local_name(const struct reading *reading)
{
	return (const char *)xmlTextReaderConstLocalName(reading->reader);
}

/* An attribute of XML Schema's instances; NULL.  Owned by libxml2's allocator. */
static xmlChar *
attribute(const struct reading *reading, const char *name)
{
	return xmlTextReaderGetAttributeNs(reading->reader, (const xmlChar *)name,
	    (const xmlChar *)XSI);
}

/* "CustomField" of "sf:CustomField". */
static void
take_type(const struct reading *reading, json_t *object)
{
	xmlChar *type = attribute(reading, "type");
	const char *text = (const char *)type;

	if (text != NULL && strchr(text, ':') != NULL)
		text = strchr(text, ':') + 1;
	if (text != NULL)
		json_object_set_new(object, "@type", bh_json_string(text));
	xmlFree(type);
}

static bool
is_nil(const struct reading *reading)
{
	xmlChar *nil = attribute(reading, "nil");
	const char *text = (const char *)nil;
	bool yes = text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);

	xmlFree(nil);
	return yes;
}

/* A second element of the name makes an array of both.  Takes value. */
static void
add_member_take(json_t *object, const char *name, json_t *value)
{
	json_t *before = json_object_get(object, name), *list;

	if (before == NULL) {
		json_object_set_new(object, name, value);
	} else if (json_is_array(before)) {
		json_array_append_new(before, value);
	} else {
		list = json_array();
		json_array_append(list, before);
		json_array_append_new(list, value);
		json_object_set_new(object, name, list);
	}
}

static int read_inside(struct reading *reading, int depth, json_t *object, struct bh_buf *text,
    struct bh_err *err);

/* The reader stands at an element's start; afterwards at its end. */
static int
read_element(struct reading *reading, int depth, json_t **value_r, struct bh_err *err)
{
	struct bh_buf text = BH_BUF_INIT(TEXT_MAX);
	json_t *object = json_object();
	bool nil = is_nil(reading);
	int rc = 0;

	take_type(reading, object);
	if (depth > DEPTH_MAX || ++reading->elements > SOAP_ELEMENTS_MAX)
		rc = bh_fail(err, BH_INVALID, "the answer is too large or too deep");
	else if (xmlTextReaderIsEmptyElement(reading->reader) != 1)
		rc = read_inside(reading, depth, object, &text, err);
	if (rc == 0)
		rc = bh_buf_check(&text, "an element's text", err);
	if (rc == 0) {
		if (nil)
			*value_r = json_null();
		else if (json_object_size(object) > 0)
			*value_r = json_incref(object);
		else
			*value_r = bh_json_string(bh_buf_str(&text));
	}
	json_decref(object);
	bh_buf_release(&text);
	return rc;
}

static int
read_child(struct reading *reading, int depth, json_t *object, struct bh_err *err)
{
	char *name = bh_xstrdup(local_name(reading));
	json_t *value = NULL;
	int rc = read_element(reading, depth + 1, &value, err);

	if (rc == 0)
		add_member_take(object, name, value);
	free(name);
	return rc;
}

/* Everything up to the end of the element that the reader stands at. */
static int
read_inside(struct reading *reading, int depth, json_t *object, struct bh_buf *text,
    struct bh_err *err)
{
	while (xmlTextReaderRead(reading->reader) == 1) {
		switch (xmlTextReaderNodeType(reading->reader)) {
		case XML_READER_TYPE_END_ELEMENT:
			return 0;
		case XML_READER_TYPE_ELEMENT:
			if (read_child(reading, depth, object, err) < 0)
				return -1;
			break;
		case XML_READER_TYPE_TEXT:
		case XML_READER_TYPE_CDATA:
			bh_buf_adds(text, (const char *)xmlTextReaderConstValue(reading->reader));
			break;
		case XML_READER_TYPE_ENTITY_REFERENCE:
			return bh_fail(err, BH_INVALID, "the answer refers to an entity");
		default:
			break; /* white space, comments, instructions */
		}
	}
	return bh_fail(err, BH_INVALID, "the answer is no well-formed XML");
}

static int
read_root(struct reading *reading, json_t **root_r, struct bh_err *err)
{
	while (xmlTextReaderRead(reading->reader) == 1) {
		if (xmlTextReaderNodeType(reading->reader) != XML_READER_TYPE_ELEMENT)
			continue;
		if (strcmp(local_name(reading), "Envelope") != 0)
			break;
		return read_element(reading, 1, root_r, err);
	}
	return bh_fail(err, BH_INVALID, "the answer is no SOAP envelope");
}

/*
 * Outside ASCII a document could hide its DTD in another encoding: so the text
 * is checked as UTF-8 and libxml2 is told that it is.
 */
static int
check_text(const char *text, size_t len, struct bh_err *err)
{
	if (len == 0 || len > SOAP_ANSWER_MAX || !bh_is_utf8(text, len))
		return bh_fail(err, BH_INVALID, "the answer is no XML");
	if (memmem(text, len, "<!DOCTYPE", 9) != NULL || memmem(text, len, "<!ENTITY", 8) != NULL)
		return bh_fail(err, BH_INVALID, "the answer holds a document type");
	return 0;
}

static int
read_document(const char *text, size_t len, json_t **root_r, struct bh_err *err)
{
	struct reading reading = {.reader = NULL};
	int rc;

	if (check_text(text, len, err) < 0)
		return -1;
	reading.reader = xmlReaderForMemory(text, (int)len, NULL, "UTF-8",
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (reading.reader == NULL)
		return bh_fail(err, BH_INVALID, "the answer is no XML");
	rc = read_root(&reading, root_r, err);
	xmlFreeTextReader(reading.reader);
	return rc;
}

static json_t *
fault_json(const json_t *fault)
{
	const char *code = bh_json_str(fault, "faultcode");
	const char *message = bh_json_str(fault, "faultstring");

	if (code != NULL && strchr(code, ':') != NULL)
		code = strchr(code, ':') + 1;
	return json_pack("{s:s, s:s}", "code", code != NULL ? code : "", "message",
	    message != NULL ? message : "");
}

int
soap_read(const char *text, size_t len, json_t **answer_r, struct bh_err *err)
{
	json_t *root = NULL, *body;
	void *first;
	int rc = -1;

	*answer_r = NULL;
	if (read_document(text, len, &root, err) < 0)
		return -1;
	body = json_object_get(root, "Body");
	first = json_object_iter(body);
	if (first == NULL) {
		bh_fail(err, BH_INVALID, "the answer's SOAP body is empty");
	} else if (strcmp(json_object_iter_key(first), "Fault") == 0) {
		*answer_r = fault_json(json_object_iter_value(first));
		rc = 0;
	} else {
		*answer_r = json_incref(json_object_iter_value(first));
		rc = 1;
	}
	json_decref(root);
	return rc;
}

json_t *
soap_items(const json_t *parent, const char *name)
{
	json_t *value = json_object_get(parent, name);
	json_t *list;

	if (json_is_array(value))
		return json_incref(value);
	list = json_array();
	if (value != NULL)
		json_array_append(list, value);
	return list;
}
