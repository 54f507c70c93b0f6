/* web/request: places, fields, cookies, limits. */
#include "unit.h"
#include "web/multipart.h"
#include "web/request.h"

static const char *const words[] = {"hook", "login", "static", "status.json", NULL};

struct place_case {
	const char *name;
	const char *configured; /* base of public_url */
	const char *params[6];
	const char *base, *path; /* path NULL: refused */
};

static const struct place_case places[] = {
    {"lighttpd, root with fix-root-scriptname", "",
	{"REQUEST_URI=/hook/x?a=1", "SCRIPT_NAME=", "PATH_INFO=/hook/x"}, "", "/hook/x"},
    {"lighttpd, root without", "", {"REQUEST_URI=/hook/x", "SCRIPT_NAME=/hook", "PATH_INFO=/x"}, "",
	"/hook/x"},
    {"lighttpd, root, page of one segment", "", {"REQUEST_URI=/login", "SCRIPT_NAME=/login"}, "",
	"/login"},
    {"lighttpd, root, home", "", {"REQUEST_URI=/", "SCRIPT_NAME=/"}, "", "/"},
    {"lighttpd, root, page that is none", "", {"REQUEST_URI=/nothing", "SCRIPT_NAME=/nothing"}, "",
	"/nothing"},
    {"lighttpd, prefix /sub", "",
	{"REQUEST_URI=/sub/hook/x", "SCRIPT_NAME=/sub", "PATH_INFO=/hook/x"}, "/sub", "/hook/x"},
    {"lighttpd, prefix /sub, page that is none", "",
	{"REQUEST_URI=/sub/nothing", "SCRIPT_NAME=/sub", "PATH_INFO=/nothing"}, "/sub", "/nothing"},
    {"lighttpd, prefix /sub, home", "", {"REQUEST_URI=/sub/", "SCRIPT_NAME=/sub", "PATH_INFO=/"},
	"/sub", "/"},
    {"plain CGI", "",
	{"REQUEST_URI=/cgi-bin/billhook.cgi/hook/x", "SCRIPT_NAME=/cgi-bin/billhook.cgi",
	    "PATH_INFO=/hook/x"},
	"/cgi-bin/billhook.cgi", "/hook/x"},
    {"plain CGI, home", "",
	{"REQUEST_URI=/cgi-bin/billhook.cgi", "SCRIPT_NAME=/cgi-bin/billhook.cgi"},
	"/cgi-bin/billhook.cgi", "/"},
    {"plain CGI without REQUEST_URI", "", {"SCRIPT_NAME=/b.cgi", "PATH_INFO=/login"}, "/b.cgi",
	"/login"},
    {"program without suffix", "",
	{"REQUEST_URI=/bin/billhook/login", "SCRIPT_NAME=/bin/billhook", "PATH_INFO=/login"},
	"/bin/billhook", "/login"},
    {"Apache, ScriptAlias /", "", {"REQUEST_URI=/hook/x", "SCRIPT_NAME=", "PATH_INFO=/hook/x"}, "",
	"/hook/x"},
    {"Apache, rewritten in .htaccess", "",
	{"REQUEST_URI=/sub/hook/x", "SCRIPT_NAME=/sub/billhook.fcgi", "PATH_INFO=/hook/x"}, "/sub",
	"/hook/x"},
    {"Apache, rewritten, home", "",
	{"REQUEST_URI=/sub/", "SCRIPT_NAME=/sub/billhook.fcgi", "PATH_INFO=/"}, "/sub", "/"},
    {"Apache, index of a directory", "", {"REQUEST_URI=/sub/", "SCRIPT_NAME=/sub/billhook.cgi"},
	"/sub", "/"},
    {"mod_proxy_fcgi, SetHandler", "",
	{"REQUEST_URI=/hook/x", "SCRIPT_NAME=/hook/x",
	    "SCRIPT_FILENAME=proxy:fcgi://billhook//srv/www/hook/x"},
	"", "/hook/x"},
    {"mod_proxy_fcgi, SetHandler with PATH_INFO", "",
	{"REQUEST_URI=/hook/x", "SCRIPT_NAME=/hook", "PATH_INFO=/x",
	    "SCRIPT_FILENAME=proxy:fcgi://billhook//srv/www/hook"},
	"", "/hook/x"},
    {"mod_proxy_fcgi, SetHandler below a directory", "",
	{"REQUEST_URI=/sub/hook/x", "SCRIPT_NAME=/sub/hook", "PATH_INFO=/x",
	    "SCRIPT_FILENAME=proxy:fcgi://billhook//srv/www/sub/hook"},
	"/sub", "/hook/x"},
    {"mod_proxy_fcgi, ProxyPass /", "",
	{"REQUEST_URI=/hook/x", "SCRIPT_NAME=/hook/x",
	    "SCRIPT_FILENAME=proxy:fcgi://billhook/hook/x"},
	"", "/hook/x"},
    {"mod_proxy_fcgi, ProxyPass /sub", "",
	{"REQUEST_URI=/sub/hook/x", "SCRIPT_NAME=/sub/hook/x",
	    "SCRIPT_FILENAME=proxy:fcgi://billhook/hook/x"},
	"/sub", "/hook/x"},
    {"configured base", "/sub", {"REQUEST_URI=/sub/hook/x", "SCRIPT_NAME=/sub/hook/x"}, "/sub",
	"/hook/x"},
    {"configured base, home without slash", "/sub", {"REQUEST_URI=/sub", "SCRIPT_NAME=/sub"},
	"/sub", "/"},
    {"configured base that is only a prefix of a name", "/sub", {"REQUEST_URI=/subs/x"}, "",
	"/subs/x"},
    {"absolute form", "", {"REQUEST_URI=http://example.com/login?x"}, "", "/login"},
    {"absolute form without a path", "", {"REQUEST_URI=http://example.com"}, "", "/"},
    {"escapes are decoded once", "", {"REQUEST_URI=/a%2525b%20c"}, "", "/a%25b c"},
    {"base is encoded for links", "",
	{"REQUEST_URI=/s%20b/b.cgi/login", "SCRIPT_NAME=/s b/b.cgi", "PATH_INFO=/login"},
	"/s%20b/b.cgi", "/login"},
    {"dot segments", "", {"REQUEST_URI=/static/../login"}, "", NULL},
    {"encoded dot segments", "", {"REQUEST_URI=/static/%2e%2e/login"}, "", NULL},
    {"dot segment at the end", "", {"REQUEST_URI=/static/.."}, "", NULL},
    {"encoded slash", "", {"REQUEST_URI=/static%2flogin"}, "", NULL},
    {"backslash", "", {"REQUEST_URI=/static\\login"}, "", NULL},
    {"NUL", "", {"REQUEST_URI=/a%00"}, "", NULL},
    {"control character", "", {"REQUEST_URI=/a%0ab"}, "", NULL},
    {"broken escape", "", {"REQUEST_URI=/a%2"}, "", NULL},
    {"no UTF-8", "", {"REQUEST_URI=/a%ff"}, "", NULL},
    {"no path", "", {"REQUEST_URI=*"}, "", NULL},
};

static void
test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < BH_LEN(places); i++) {
		const struct place_case *c = &places[i];
		struct request_place place = {c->configured, words, NULL};
		struct request request;
		const char *params[8] = {"REQUEST_METHOD=GET"};

		for (size_t k = 0; c->params[k] != NULL; k++)
			params[k + 1] = c->params[k];
		request_init(&request, 100);
		request_begin(&request, params, &place);
		if ((request.refused == 0) != (c->path != NULL))
			fail_msg("%s: refused %d (%s)", c->name, request.refused, request.why.text);
		if (c->path != NULL && strcmp(request.path, c->path) != 0)
			fail_msg("%s: path %s, expected %s", c->name, request.path, c->path);
		if (strcmp(request.base, c->base) != 0)
			fail_msg("%s: base %s, expected %s", c->name, request.base, c->base);
		request_release(&request);
	}
}

static void
begin(struct request *request, const char *const *params)
{
	static const struct request_place place = {"", words, NULL};

	request_init(request, 1 << 20);
	request_begin(request, params, &place);
}

static void
test_authorization(void **state)
{
	static const struct {
		const char *params[3], *value;
	} cases[] = {{{"HTTP_AUTHORIZATION=Basic a"}, "Basic a"},
	    {{"REDIRECT_HTTP_AUTHORIZATION=Basic b"}, "Basic b"},
	    {{"REDIRECT_HTTP_AUTHORIZATION=Basic b", "HTTP_AUTHORIZATION=Basic a"}, "Basic a"},
	    {{"REDIRECT_HTTP_X_SIGNATURE=c"}, NULL}};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct request request;
		const char *value;

		begin(&request, cases[i].params);
		value = request_header(&request, "Authorization");
		if (cases[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, cases[i].value);
		assert_null(request_header(&request, "X-Signature"));
		request_release(&request);
	}
}

/* Who is believed, and how far. */
static void
test_proxies(void **state)
{
	static const char trusted[] = "192.0.2.1, 10.0.0.0/8 2001:db8::/32";
	static const struct {
		const char *name, *trusted, *params[6], *peer;
		bool is_https;
		const char *host;
	} cases[] = {
	    {"nobody is trusted", "",
		{"REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=198.51.100.7",
		    "HTTP_X_FORWARDED_PROTO=https", "HTTP_X_FORWARDED_HOST=evil.example.com"},
		"192.0.2.1", false, ""},
	    {"another is", trusted,
		{"REMOTE_ADDR=198.51.100.1", "HTTP_X_FORWARDED_FOR=198.51.100.7",
		    "HTTP_X_FORWARDED_PROTO=https", "HTTP_X_FORWARDED_HOST=evil.example.com",
		    "HTTP_HOST=bill.example.com"},
		"198.51.100.1", false, "bill.example.com"},
	    {"one is", trusted,
		{"REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=198.51.100.7",
		    "HTTP_X_FORWARDED_PROTO=https", "HTTP_X_FORWARDED_HOST=bill.example.com"},
		"198.51.100.7", true, "bill.example.com"},
	    {"what a client said before it", trusted,
		{"REMOTE_ADDR=10.1.2.3", "HTTP_X_FORWARDED_FOR=203.0.113.9, 198.51.100.7",
		    "HTTP_X_FORWARDED_PROTO=https, http",
		    "HTTP_X_FORWARDED_HOST=a.example.com,b.example.com"},
		"198.51.100.7", false, "b.example.com"},
	    {"proxies one behind another", trusted,
		{"REMOTE_ADDR=192.0.2.1",
		    "HTTP_X_FORWARDED_FOR=203.0.113.9, 198.51.100.7 ,10.9.9.9"},
		"198.51.100.7", false, ""},
	    {"all of them trusted", trusted,
		{"REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=10.1.1.1, 10.9.9.9"}, "10.1.1.1",
		false, ""},
	    {"no address", trusted,
		{"REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=203.0.113.9, unknown"}, "192.0.2.1",
		false, ""},
	    {"a port", trusted,
		{"REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=[2001:db9::7]:4711"}, "2001:db9::7",
		false, ""},
	    {"over IPv6", trusted,
		{"REMOTE_ADDR=2001:db8::1", "HTTP_X_FORWARDED_FOR=198.51.100.7:80"}, "198.51.100.7",
		false, ""},
	    {"IPv4 as IPv6", trusted,
		{"REMOTE_ADDR=::ffff:192.0.2.1", "HTTP_X_FORWARDED_FOR=198.51.100.7"},
		"198.51.100.7", false, ""},
	    {"http outside, https within", trusted,
		{"REMOTE_ADDR=192.0.2.1", "HTTPS=on", "HTTP_X_FORWARDED_PROTO=http"}, "192.0.2.1",
		false, ""},
	    {"nothing said", trusted, {"REMOTE_ADDR=192.0.2.1", "HTTPS=on"}, "192.0.2.1", true, ""},
	    {"empty words", trusted,
		{"REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=, ,", "HTTP_X_FORWARDED_HOST=,",
		    "HTTP_X_FORWARDED_PROTO="},
		"192.0.2.1", false, ""},
	};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct request_place place = {"", words, cases[i].trusted};
		struct request request;

		request_init(&request, 100);
		request_begin(&request, cases[i].params, &place);
		if (strcmp(request.peer, cases[i].peer) != 0)
			fail_msg("%s: peer %s", cases[i].name, request.peer);
		if (request.is_https != cases[i].is_https)
			fail_msg("%s: https %d", cases[i].name, request.is_https);
		if (strcmp(request.host, cases[i].host) != 0)
			fail_msg("%s: host %s", cases[i].name, request.host);
		request_release(&request);
	}
}

static void
test_method(void **state)
{
	static const struct {
		const char *param, *method;
		bool is_head;
		int refused;
	} cases[] = {{"REQUEST_METHOD=GET", "GET", false, 0},
	    {"REQUEST_METHOD=HEAD", "GET", true, 0}, {"REQUEST_METHOD=POST", "POST", false, 0},
	    {"REQUEST_METHOD=PATCH", "PATCH", false, 0}, {"REQUEST_METHOD=get", "GET", false, 400},
	    {"REQUEST_METHOD=", "GET", false, 400}, {"X=1", "GET", false, 400},
	    {"REQUEST_METHOD=WAYTOOLONGMETHOD", "GET", false, 400},
	    {"REQUEST_METHOD=GET\r\nX", "GET", false, 400}};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		const char *params[] = {cases[i].param, "REQUEST_URI=/", NULL};
		struct request request;

		begin(&request, params);
		assert_string_equal(request.method, cases[i].method);
		assert_int_equal(request.is_head, cases[i].is_head);
		assert_int_equal(request.refused, cases[i].refused);
		request_release(&request);
	}
}

static void
test_headers_and_cookies(void **state)
{
	static const char *const params[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/",
	    "HTTP_X_SIGNATURE=abc", "CONTENT_TYPE=text/plain",
	    "HTTP_COOKIE=billhook_x=1; billhook=two;three=3 ; last=", "REMOTE_ADDR=192.0.2.7",
	    "HTTPS=on", NULL};
	struct request request;
	char value[8];

	(void)state;
	begin(&request, params);
	assert_string_equal(request_header(&request, "X-Signature"), "abc");
	assert_string_equal(request_header(&request, "x-signature"), "abc");
	assert_string_equal(request_header(&request, "Content-Type"), "text/plain");
	assert_null(request_header(&request, "X-Signatur"));
	assert_true(request_cookie(&request, "billhook", value, sizeof(value)));
	assert_string_equal(value, "two");
	assert_true(request_cookie(&request, "last", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_false(request_cookie(&request, "other", value, sizeof(value)));
	assert_false(request_cookie(&request, "billhook", value, 3));
	assert_true(request.is_https);
	assert_string_equal(request.peer, "192.0.2.7");
	request_release(&request);
}

static void
test_length(void **state)
{
	static const struct {
		const char *param;
		int rc;
		uint64_t length;
	} cases[] = {{"CONTENT_LENGTH=12", 1, 12}, {"CONTENT_LENGTH=0", 1, 0},
	    {"CONTENT_LENGTH=", 0, 0}, {"X=1", 0, 0}, {"CONTENT_LENGTH=-1", -1, 0},
	    {"CONTENT_LENGTH=1 ", -1, 0}, {"CONTENT_LENGTH=0x10", -1, 0},
	    {"CONTENT_LENGTH=99999999999999999999", -1, 0}};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		const char *params[] = {cases[i].param, NULL};
		struct request request = {.params = params};
		uint64_t length;

		assert_int_equal(request_length(&request, &length), cases[i].rc);
		if (cases[i].rc == 1)
			assert_int_equal(length, cases[i].length);
	}
}

static void
test_fields(void **state)
{
	struct request_fields fields;
	struct bh_err err = BH_ERR_INIT;
	struct bh_buf many = BH_BUF_INIT(1 << 16);
	static const char text[] = "a=1&b=x+y%26z&&empty=&flag&a=2&%C3%A9=%E2%82%AC";

	(void)state;
	assert_int_equal(request_fields_parse(&fields, text, strlen(text), &err), 0);
	assert_int_equal(fields.n, 6);
	assert_string_equal(fields.items[0].value, "1");
	assert_string_equal(fields.items[1].value, "x y&z");
	assert_string_equal(fields.items[2].value, "");
	assert_string_equal(fields.items[3].name, "flag");
	assert_string_equal(fields.items[5].name, "\xc3\xa9");
	assert_string_equal(fields.items[5].value, "\xe2\x82\xac");
	request_fields_release(&fields);
	assert_int_equal(request_fields_parse(&fields, "a=%00", 5, &err), -1);
	assert_int_equal(request_fields_parse(&fields, "a=%ff", 5, &err), -1);
	for (int i = 0; i < REQUEST_FIELDS_MAX; i++)
		bh_buf_adds(&many, "a=1&");
	assert_int_equal(request_fields_parse(&fields, many.data, many.len, &err), 0);
	request_fields_release(&fields);
	bh_buf_adds(&many, "a=1");
	assert_int_equal(request_fields_parse(&fields, many.data, many.len, &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	bh_buf_release(&many);
}

static void
test_form(void **state)
{
	static const struct {
		const char *type;
		bool is_form;
	} cases[] = {{"CONTENT_TYPE=application/x-www-form-urlencoded", true},
	    {"CONTENT_TYPE=application/x-www-form-urlencoded; charset=UTF-8", true},
	    {"CONTENT_TYPE=Application/X-WWW-Form-Urlencoded", true},
	    {"CONTENT_TYPE=application/x-www-form-urlencodedx", false},
	    {"CONTENT_TYPE=text/plain", false}, {"X=1", false}};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		const char *params[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/?q=1", cases[i].type,
		    NULL};
		struct request request;
		struct bh_err err = BH_ERR_INIT;

		begin(&request, params);
		bh_buf_adds(&request.body, "name=ada&token=t");
		assert_int_equal(request_read_form(&request, &err), cases[i].is_form ? 0 : -1);
		if (cases[i].is_form)
			assert_string_equal(request_field(&request, "name"), "ada");
		request_release(&request);
	}
}

/* -- forms with files -- */

#define PART(name) "--B\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define FILE_PART(name, file)                                                                      \
	"--B\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" file               \
	"\"\r\nContent-Type: application/json\r\n\r\n"
#define TYPE "multipart/form-data; boundary=B"

static void
test_multipart(void **state)
{
	static const struct {
		const char *name, *type, *body, *expected; /* "a=1|b=2|"; NULL: refused */
	} cases[] = {
	    {"a field", TYPE, PART("a") "1\r\n--B--\r\n", "a=1|"},
	    {"without a last line", TYPE, PART("a") "1\r\n--B--", "a=1|"},
	    {"nothing", TYPE, "--B--\r\n", ""},
	    {"a file and a field", TYPE,
		FILE_PART("upload", "a.json") "{\"a\":\r\n1}\r\n" PART("b") "\r\n--B--\r\n",
		"upload={\"a\":\r\n1}|b=|"},
	    {"no file was chosen", TYPE, FILE_PART("upload", "") "\r\n--B--\r\n", "upload=|"},
	    {"a mark of byte order", TYPE, FILE_PART("u", "a") "\xef\xbb\xbf{}\r\n--B--\r\n",
		"u={}|"},
	    {"typed it stays", TYPE, PART("u") "\xef\xbb\xbf\r\n--B--\r\n", "u=\xef\xbb\xbf|"},
	    {"a name with escapes", TYPE, PART("%22x%0D%0A") "1\r\n--B--", "\"x\r\n=1|"},
	    {"a quoted boundary", "Multipart/Form-Data; charset=utf-8; boundary=\"B\"",
		PART("a") "1\r\n--B--", "a=1|"},
	    {"what looks like a boundary", TYPE, PART("a") "--B\r\n-B--\r\n--B--",
		"a=--B\r\n-B--|"},
	    {"a file name that ends the header", TYPE,
		"--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x\"; name=\"b\"\r\n\r\n1\r\n--B--",
		NULL},
	    {"a boundary of another", "multipart/form-data; boundary=C", PART("a") "1\r\n--B--",
		NULL},
	    {"no boundary", "multipart/form-data", PART("a") "1\r\n--B--", NULL},
	    {"an empty one", "multipart/form-data; boundary=", PART("a") "1\r\n--B--", NULL},
	    {"an empty quoted one", "multipart/form-data; boundary=\"\"", "----", NULL},
	    {"a hostile one", "multipart/form-data; boundary=B<", "--B<--", NULL},
	    {"one that ends with a blank", "multipart/form-data; boundary=\"B \"", "--B --", NULL},
	    {"one that is too long",
		"multipart/form-data; "
		"boundary=0123456789012345678901234567890123456789012345678901234567890123456789x",
		"--0123456789012345678901234567890123456789012345678901234567890123456789x--",
		NULL},
	    {"its end is missing", TYPE, PART("a") "1\r\n", NULL},
	    {"the last dashes are missing", TYPE, PART("a") "1\r\n--B", NULL},
	    {"one dash is missing", TYPE, PART("a") "1\r\n--B-", NULL},
	    {"something behind the end", TYPE, PART("a") "1\r\n--B--\r\nx", NULL},
	    {"something before the beginning", TYPE, "x\r\n" PART("a") "1\r\n--B--", NULL},
	    {"nothing at all", TYPE, "", NULL},
	    {"lines that end otherwise", TYPE,
		"--B\nContent-Disposition: form-data; name=\"a\"\n\n1\n--B--", NULL},
	    {"no head", TYPE, "--B\r\n\r\n1\r\n--B--", NULL},
	    {"a head without a name", TYPE,
		"--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--", NULL},
	    {"an empty name", TYPE, PART("") "1\r\n--B--", NULL},
	    {"a name without its end", TYPE,
		"--B\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--B--", NULL},
	    {"two dispositions", TYPE,
		"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n"
		"Content-Disposition: form-data; name=\"b\"\r\n\r\n1\r\n--B--",
		NULL},
	    {"another disposition", TYPE,
		"--B\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--B--", NULL},
	    {"another encoding", TYPE,
		"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--B--",
		NULL},
	    {"no UTF-8", TYPE, PART("a") "\xff\r\n--B--", NULL},
	    {"no UTF-8 in a name", TYPE, PART("\xff") "1\r\n--B--", NULL},
	    {"a NUL in a name", TYPE, PART("a%00b") "1\r\n--B--", NULL},
	};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bh_buf got = BH_BUF_INIT(10000);
		struct request_fields fields;
		struct bh_err err = BH_ERR_INIT;
		int rc = multipart_parse(&fields, cases[i].type, cases[i].body,
		    strlen(cases[i].body), &err);

		for (size_t k = 0; rc == 0 && k < fields.n; k++)
			bh_buf_addf(&got, "%s=%s|", fields.items[k].name, fields.items[k].value);
		if ((rc == 0) != (cases[i].expected != NULL) ||
		    (rc == 0 && strcmp(bh_buf_str(&got), cases[i].expected) != 0))
			fail_msg("%s: %d %s %s", cases[i].name, rc, err.text, bh_buf_str(&got));
		assert_int_equal(err.code, rc == 0 ? BH_OK : BH_INVALID);
		if (rc < 0)
			assert_null(fields.items);
		request_fields_release(&fields);
		bh_buf_release(&got);
	}
}

/* Sizes and numbers, just within and beyond. */
static void
test_multipart_bounds(void **state)
{
	struct bh_buf body = BH_BUF_INIT(1 << 20);
	struct request_fields fields;
	char *name = bh_xcalloc(MULTIPART_LINE_MAX + 2, 1);

	(void)state;
	for (int more = 0; more < 2; more++) {
		bh_buf_reset(&body);
		for (int i = 0; i < REQUEST_FIELDS_MAX + more; i++)
			bh_buf_adds(&body, i == 0 ? PART("a") "1" : "\r\n" PART("a") "1");
		bh_buf_adds(&body, "\r\n--B--");
		assert_int_equal(multipart_parse(&fields, TYPE, body.data, body.len, NULL), -more);
		request_fields_release(&fields);

		bh_buf_reset(&body);
		memset(name, 'n', MULTIPART_LINE_MAX);
		name[MULTIPART_NAME_MAX + more] = '\0';
		bh_buf_addf(&body, PART("%s") "1\r\n--B--", name);
		assert_int_equal(multipart_parse(&fields, TYPE, body.data, body.len, NULL), -more);
		request_fields_release(&fields);

		bh_buf_reset(&body);
		bh_buf_adds(&body, "--B\r\n");
		for (int i = 1; i < MULTIPART_HEADERS_MAX + more; i++)
			bh_buf_adds(&body, "Content-Type: x\r\n");
		bh_buf_adds(&body, PART("a") + 5);
		bh_buf_adds(&body, "1\r\n--B--");
		assert_int_equal(multipart_parse(&fields, TYPE, body.data, body.len, NULL), -more);
		request_fields_release(&fields);
	}
	bh_buf_reset(&body);
	memset(name, 'n', MULTIPART_LINE_MAX);
	bh_buf_addf(&body, FILE_PART("a", "%s") "1\r\n--B--", name);
	assert_int_equal(multipart_parse(&fields, TYPE, body.data, body.len, NULL), -1);
	/* A NUL in what stands in the file. */
	assert_int_equal(multipart_parse(&fields, TYPE, PART("a") "\0\r\n--B--",
			     sizeof(PART("a")) + 8, NULL),
	    -1);
	bh_buf_release(&body);
	free(name);
}

/* What was uploaded counts more than what was typed. */
static void
test_given(void **state)
{
	static const char *const params[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/",
	    "CONTENT_TYPE=" TYPE, NULL};
	struct request request;

	(void)state;
	begin(&request, params);
	bh_buf_adds(&request.body, FILE_PART("file", "a") "up\r\n" PART("text") "typed\r\n--B--");
	assert_int_equal(request_read_form(&request, NULL), 0);
	assert_string_equal(request_given(&request, "file", "text"), "up");
	assert_string_equal(request_given(&request, "other", "text"), "typed");
	assert_string_equal(request_given(&request, "other", "none"), "");
	request_release(&request);
}

static void
test_limits(void **state)
{
	struct bh_buf uri = BH_BUF_INIT(1 << 20), big = BH_BUF_INIT(1 << 20);
	const char *params[REQUEST_PARAMS_COUNT + 3] = {"REQUEST_METHOD=GET", "REQUEST_URI=/"};
	struct request request;

	(void)state;
	bh_buf_adds(&uri, "REQUEST_URI=/");
	for (int i = 0; i < REQUEST_PATH_MAX; i++)
		bh_buf_addc(&uri, 'a');
	params[1] = uri.data;
	begin(&request, params);
	assert_int_equal(request.refused, 414);
	request_release(&request);

	bh_buf_adds(&big, "HTTP_X=");
	for (unsigned i = 0; i < REQUEST_PARAMS_MAX; i++)
		bh_buf_addc(&big, 'a');
	params[1] = "REQUEST_URI=/";
	params[2] = big.data;
	begin(&request, params);
	assert_int_equal(request.refused, 431);
	request_release(&request);

	for (size_t i = 2; i < REQUEST_PARAMS_COUNT + 2; i++)
		params[i] = "HTTP_X=1";
	begin(&request, params);
	assert_int_equal(request.refused, 431);
	request_release(&request);
	bh_buf_release(&uri);
	bh_buf_release(&big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_places),
	    cmocka_unit_test(test_method), cmocka_unit_test(test_authorization),
	    cmocka_unit_test(test_proxies), cmocka_unit_test(test_headers_and_cookies),
	    cmocka_unit_test(test_length), cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_form), cmocka_unit_test(test_multipart),
	    cmocka_unit_test(test_multipart_bounds), cmocka_unit_test(test_given),
	    cmocka_unit_test(test_limits)};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
