/* sniff.c -- what a file is by its first bytes, and whether that agrees with what it claims. */
#include "route/sniff.h"

#include <string.h>
#include <strings.h>

#include "base/compiler.h"
#include "base/utf8.h"
#include "route/match.h"
#include "base/banned.h"

#define EMPTY "application/x-empty"
#define UNKNOWN "application/octet-stream"
#define DOCX "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
#define XLSX "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#define PPTX "application/vnd.openxmlformats-officedocument.presentationml.presentation"

/* A format that its bytes show. */
struct magic {
	const char *bytes;
	size_t n, offset;
	const char *type;
};

#define MAGIC(at, text, t)                                                                         \
	{                                                                                          \
		.bytes = (text), .n = sizeof(text) - 1, .offset = (at), .type = (t)                \
	}

static const struct magic magics[] = {
	MAGIC(0, "\xff\xd8\xff", "image/jpeg"),   MAGIC(0, "\x89PNG\r\n\x1a\n", "image/png"),
	MAGIC(0, "GIF87a", "image/gif"),          MAGIC(0, "GIF89a", "image/gif"),
	MAGIC(8, "WEBP", "image/webp"), /* after RIFF and a length */
	MAGIC(0, "II*\0", "image/tiff"),          MAGIC(0, "MM\0*", "image/tiff"),
	MAGIC(0, "\x1f\x8b", "application/gzip"), MAGIC(4, "ftypheic", "image/heic"),
	MAGIC(4, "ftypmif1", "image/heic"),       MAGIC(4, "ftypavif", "image/avif"),
	MAGIC(4, "ftypqt  ", "video/quicktime"),  MAGIC(4, "ftyp", "video/mp4"),
	MAGIC(0, "PK\3\4", "application/zip"),    MAGIC(0, "PK\5\6", "application/zip"),
};

/* What a claim must be found to be. A type listed under `found` twice may be either. */
struct claim {
	const char *suffix; /* NULL: a type only */
	const char *type;   /* as declared */
	const char *found, *found_too;
};

static const struct claim claims[] = {
	{ ".pdf", "application/pdf", "application/pdf", NULL },
	{ ".jpg", "image/jpeg", "image/jpeg", NULL },
	{ ".jpeg", "image/jpeg", "image/jpeg", NULL },
	{ NULL, "image/jpg", "image/jpeg", NULL },
	{ ".png", "image/png", "image/png", NULL },
	{ ".gif", "image/gif", "image/gif", NULL },
	{ ".webp", "image/webp", "image/webp", NULL },
	{ ".tif", "image/tiff", "image/tiff", NULL },
	{ ".tiff", "image/tiff", "image/tiff", NULL },
	{ ".gz", "application/gzip", "application/gzip", NULL },
	{ NULL, "application/x-gzip", "application/gzip", NULL },
	{ ".mp4", "video/mp4", "video/mp4", NULL },
	{ ".zip", "application/zip", "application/zip", NULL },
	{ ".docx", DOCX, DOCX, "application/zip" },
	{ ".xlsx", XLSX, XLSX, "application/zip" },
	{ ".pptx", PPTX, PPTX, "application/zip" },
	{ ".html", "text/html", "text/html", "text/plain" },
	{ ".htm", "text/html", "text/html", "text/plain" },
	{ ".csv", "text/csv", "text/csv", "text/plain" },
	{ ".tsv", "text/tab-separated-values", "text/csv", "text/plain" },
	{ ".txt", "text/plain", "text/*", NULL },
	{ ".log", "text/plain", "text/*", NULL },
	{ ".md", "text/markdown", "text/*", NULL },
	{ ".json", "application/json", "text/*", NULL },
	{ ".xml", "application/xml", "text/*", NULL },
	{ NULL, "text/xml", "text/*", NULL },
};

static bool
has_magic(const struct magic *m, const char *p, size_t n)
{
	return n >= m->offset + m->n && memcmp(p + m->offset, m->bytes, m->n) == 0;
}

static const char *
zip_type(const char *p, size_t n)
{
	static const struct {
		const char *part, *type;
	} office[] = { { "word/", DOCX }, { "xl/", XLSX }, { "ppt/", PPTX } };

	if (!memmem(p, n, "[Content_Types].xml", 19) && !memmem(p, n, "_rels/.rels", 11))
		return "application/zip";
	for (size_t i = 0; i < ARRAY_LEN(office); i++)
		if (memmem(p, n, office[i].part, strlen(office[i].part)))
			return office[i].type;
	return "application/zip";
}

static const char *
binary_type(const char *p, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
		const struct magic *m = &magics[i];
		if (!has_magic(m, p, n) || (m->offset == 8 && memcmp(p, "RIFF", 4) != 0))
			continue;
		return strcmp(m->type, "application/zip") == 0 ? zip_type(p, n) : m->type;
	}
	return NULL;
}

static bool
has_control(const char *p, size_t n)
{
	static const char harmless[] = { '\t', '\n', '\v', '\f', '\r', '\x1b' };
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < 0x20 && !memchr(harmless, p[i], sizeof(harmless)))
			return true;
	return false;
}

static bool
is_utf8(const char *p, size_t n, bool complete)
{
	/* The head may end inside a character, which is at most four bytes long. */
	for (size_t cut = 0; cut < (complete ? 1 : 4) && cut < n; cut++)
		if (utf8_valid(p, n - cut))
			return true;
	return false;
}

/* Spreadsheets still write the 8-bit code pages of their country, and UTF-16 with its mark. */
static bool
is_other_text(const char *p, size_t n)
{
	size_t high = 0;
	for (size_t i = 0; i < n; i++)
		high += (unsigned char)p[i] >= 0x80;
	return high <= n / 3;
}

static bool
is_text(const char *p, size_t n, bool complete)
{
	if (n >= 2 && (memcmp(p, "\xff\xfe", 2) == 0 || memcmp(p, "\xfe\xff", 2) == 0))
		return true;
	return !has_control(p, n) && (is_utf8(p, n, complete) || is_other_text(p, n));
}

/* The comment of four bytes that are no ASCII, by which most PDFs show that they are no text. */
static bool
has_binary_comment(const char *header, size_t n)
{
	const char *p = header, *end = header + n;
	while (p < end && *p != '\r' && *p != '\n')
		p++;
	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	if (end - p < 5 || *p != '%')
		return false;
	for (int i = 1; i <= 4; i++)
		if ((unsigned char)p[i] < 0x80)
			return false;
	return true;
}

/* Readers take a PDF whose header starts anywhere in the first 1,024 bytes; but a text may mention
 * one there. */
static bool
is_pdf(const char *p, size_t n, bool complete)
{
	const char *header = memmem(p, n < 1024 ? n : 1024, "%PDF-", 5);
	if (!header)
		return false;
	const char *start = n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? p + 3 : p;
	while (start < header && strchr(" \t\r\n", *start) && *start != '\0')
		start++;
	return start == header || !is_text(p, n, complete) ||
	       has_binary_comment(header, n - (size_t)(header - p));
}

static bool
starts_with_tag(const char *p, size_t n, const char *tag)
{
	size_t tag_n = strlen(tag);
	return n > tag_n && strncasecmp(p, tag, tag_n) == 0 &&
	       (p[tag_n] == '>' || p[tag_n] == ' ' || p[tag_n] == '\n' || p[tag_n] == '\r');
}

static bool
is_html(const char *p, size_t n)
{
	static const char *const tags[] = { "<!doctype html", "<html", "<head", "<body" };
	while (n > 0 && strchr(" \t\r\n", *p) && *p != '\0') {
		p++;
		n--;
	}
	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (starts_with_tag(p, n, tags[i]))
			return true;
	return false;
}

static size_t
count_char(const char *p, size_t n, char c)
{
	size_t count = 0;
	bool quoted = false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"')
			quoted = !quoted;
		else if (p[i] == c && !quoted)
			count++;
	}
	return count;
}

/* The first two lines have the same number of separators, and at least one. */
static bool
is_table(const char *p, size_t n, char separator)
{
	const char *end = memchr(p, '\n', n);
	if (!end)
		return false;
	size_t first = count_char(p, (size_t)(end - p), separator);
	const char *second = end + 1;
	size_t left = n - (size_t)(second - p);
	const char *second_end = memchr(second, '\n', left);
	size_t second_n = second_end ? (size_t)(second_end - second) : left;
	return first > 0 && count_char(second, second_n, separator) == first;
}

const char *
sniff_type(const void *head, size_t n, bool complete)
{
	const char *p = head;
	if (n == 0)
		return EMPTY;
	const char *type = binary_type(p, n);
	if (type)
		return type;
	if (is_pdf(p, n, complete))
		return "application/pdf";
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3;
		n -= 3;
	}
	if (!is_text(p, n, complete))
		return UNKNOWN;
	if (is_html(p, n))
		return "text/html";
	if (is_table(p, n, ',') || is_table(p, n, ';') || is_table(p, n, '\t'))
		return "text/csv";
	return "text/plain";
}

static const struct claim *
claim_of_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(claims); i++)
		if (claims[i].suffix && match_suffix(claims[i].suffix, key))
			return &claims[i];
	return NULL;
}

static const struct claim *
claim_of_type(const char *type)
{
	for (size_t i = 0; type && i < ARRAY_LEN(claims); i++)
		if (match_type(claims[i].type, type))
			return &claims[i];
	return NULL;
}

static bool
holds(const struct claim *c, const char *sniffed)
{
	/* An empty text file is one; nothing else is empty. */
	if (strcmp(sniffed, EMPTY) == 0)
		return strncmp(c->found, "text/", 5) == 0;
	return match_type(c->found, sniffed) || (c->found_too && match_type(c->found_too, sniffed));
}

struct sniff_verdict
sniff_judge(const char *sniffed, const char *key, const char *content_type)
{
	const struct claim *by_key = claim_of_key(key), *by_type = claim_of_type(content_type);
	struct sniff_verdict v = { .type = sniffed };

	if (by_key && !holds(by_key, sniffed)) {
		v.claim = by_key->suffix;
		v.claimed_type = by_key->type;
	} else if (by_type && !holds(by_type, sniffed)) {
		v.claim = content_type;
		v.claimed_type = by_type->type;
	} else if (by_key) {
		v.type = by_key->type;
	} else if (by_type) {
		v.type = by_type->type;
	} else if (content_type && strcmp(sniffed, UNKNOWN) == 0) {
		v.type = content_type;
	}
	return v;
}
