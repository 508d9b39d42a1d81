/* sigv4.c -- signing requests as AWS does (version 4), by header or in the URL. */
#include "net/sigv4.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/hash.h"

#include "base/banned.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define TEXT_MAX ((size_t)1024 * 1024)
#define PRESIGN_PARAMS 6

/* A query parameter, encoded; or a header, lower-case and trimmed. */
struct pair {
	struct str name, value;
	size_t at; /* its place in the request: equal names keep their order */
};

struct pairs {
	struct pair *list;
	size_t count;
};

static void
pairs_free(struct pairs *p)
{
	for (size_t i = 0; i < p->count; i++) {
		str_free(&p->list[i].name);
		str_free(&p->list[i].value);
	}
	free(p->list);
}

static bool
pairs_alloc(struct pairs *p, size_t n)
{
	p->list = calloc(n + 1, sizeof(*p->list));
	if (p->list == NULL)
		return false;
	p->count = n;
	for (size_t i = 0; i < n; i++) {
		str_init(&p->list[i].name, TEXT_MAX);
		str_init(&p->list[i].value, TEXT_MAX);
		p->list[i].at = i;
	}
	return true;
}

static int
by_name_then_value(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int order = strcmp(str_text(&x->name), str_text(&y->name));

	return order != 0 ? order : strcmp(str_text(&x->value), str_text(&y->value));
}

static int
by_name_then_place(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int order = strcmp(str_text(&x->name), str_text(&y->name));

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

bool
sigv4_query(const struct http_header *query, size_t n, struct str *out)
{
	struct pairs p CLEANUP(pairs_free) = { 0 };

	if (!pairs_alloc(&p, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!str_addn(&p.list[i].name, "", 0) ||
		    !str_add_uri(&p.list[i].name, query[i].name, strlen(query[i].name), false) ||
		    !str_add_uri(&p.list[i].value, query[i].value, strlen(query[i].value), false))
			return false;
	}
	qsort(p.list, n, sizeof(*p.list), by_name_then_value);
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s%s=%s", i == 0 ? "" : "&", str_text(&p.list[i].name),
		         str_text(&p.list[i].value));
	return !out->failed;
}

static bool
add_lower(struct str *out, const char *name)
{
	for (; *name != '\0'; name++)
		if (!str_addc(out, (char)tolower((unsigned char)*name)))
			return false;
	return true;
}

/* Without blanks at the ends, and with one for each run of them. */
static bool
add_trimmed(struct str *out, const char *value)
{
	bool blank = false, begun = false;

	for (; *value != '\0'; value++) {
		if (isspace((unsigned char)*value)) {
			blank = true;
			continue;
		}
		if (blank && begun && !str_addc(out, ' '))
			return false;
		if (!str_addc(out, *value))
			return false;
		blank = false;
		begun = true;
	}
	return true;
}

static bool
sort_headers(const struct sigv4_request *rq, struct pairs *p)
{
	if (!pairs_alloc(p, rq->header_count))
		return false;
	for (size_t i = 0; i < p->count; i++)
		if (!add_lower(&p->list[i].name, rq->headers[i].name) ||
		    !add_trimmed(&p->list[i].value, rq->headers[i].value))
			return false;
	qsort(p->list, p->count, sizeof(*p->list), by_name_then_place);
	return true;
}

static bool
same_as_before(const struct pairs *p, size_t i)
{
	return i > 0 && strcmp(str_text(&p->list[i].name), str_text(&p->list[i - 1].name)) == 0;
}

static bool
add_header_lines(const struct pairs *p, struct str *out)
{
	for (size_t i = 0; i < p->count; i++) {
		if (same_as_before(p, i))
			str_addc(out, ',');
		else
			str_addf(out, "%s%s:", i == 0 ? "" : "\n", str_text(&p->list[i].name));
		str_add(out, str_text(&p->list[i].value));
	}
	return str_addc(out, '\n');
}

static bool
add_header_names(const struct pairs *p, struct str *out)
{
	for (size_t i = 0; i < p->count; i++)
		if (!same_as_before(p, i))
			str_addf(out, "%s%s", i == 0 ? "" : ";", str_text(&p->list[i].name));
	return !out->failed;
}

static bool
canonical(const struct sigv4_request *rq, const struct pairs *headers, struct str *out)
{
	str_addf(out, "%s\n%s\n", rq->method, rq->path);
	if (!sigv4_query(rq->query, rq->query_count, out))
		return false;
	str_addc(out, '\n');
	if (!add_header_lines(headers, out) || !str_addc(out, '\n') ||
	    !add_header_names(headers, out))
		return false;
	return str_addf(out, "\n%s", rq->payload_sha256);
}

bool
sigv4_canonical(const struct sigv4_request *rq, struct str *out)
{
	struct pairs headers CLEANUP(pairs_free) = { 0 };

	return sort_headers(rq, &headers) && canonical(rq, &headers, out);
}

static bool
add_scope(const struct sigv4_key *k, const char *time, struct str *out)
{
	return str_addf(out, "%.8s/%s/%s/aws4_request", time, k->region, k->service);
}

static void
hmac_text(const uint8_t key[SHA256_BYTES], const char *text, uint8_t ret[SHA256_BYTES])
{
	uint8_t copy[SHA256_BYTES];

	memcpy(copy, key, sizeof(copy));
	hash_hmac_sha256(copy, sizeof(copy), text, strlen(text), ret);
	explicit_bzero(copy, sizeof(copy));
}

static bool
signing_key(const struct sigv4_key *k, const char *time, uint8_t ret[SHA256_BYTES])
{
	struct str secret CLEANUP(str_free) = STR_INIT(TEXT_MAX);

	if (!str_addf(&secret, "AWS4%s", k->secret_key))
		return false;
	hash_hmac_sha256(secret.data, secret.len, time, 8, ret);
	explicit_bzero(secret.data, secret.len);
	hmac_text(ret, k->region, ret);
	hmac_text(ret, k->service, ret);
	hmac_text(ret, "aws4_request", ret);
	return true;
}

static bool
add_signature(const struct str *canonical_text, const struct sigv4_key *k, const char *time,
              struct str *out)
{
	struct str text CLEANUP(str_free) = STR_INIT(TEXT_MAX);
	char hex[SHA256_HEX_MAX];
	uint8_t key[SHA256_BYTES], signature[SHA256_BYTES];

	str_addf(&text, ALGORITHM "\n%s\n", time);
	add_scope(k, time, &text);
	str_addf(&text, "\n%s", hash_sha256_hex(canonical_text->data, canonical_text->len, hex));
	if (text.failed || !signing_key(k, time, key))
		return false;
	hash_hmac_sha256(key, sizeof(key), text.data, text.len, signature);
	explicit_bzero(key, sizeof(key));
	return str_add_hex(out, signature, sizeof(signature));
}

bool
sigv4_authorization(const struct sigv4_request *rq, const struct sigv4_key *k, const char *time,
                    struct str *out)
{
	struct pairs headers CLEANUP(pairs_free) = { 0 };
	struct str text CLEANUP(str_free) = STR_INIT(TEXT_MAX);

	if (!sort_headers(rq, &headers) || !canonical(rq, &headers, &text))
		return false;
	str_addf(out, ALGORITHM " Credential=%s/", k->access_key);
	if (!add_scope(k, time, out) || !str_add(out, ", SignedHeaders=") ||
	    !add_header_names(&headers, out) || !str_add(out, ", Signature="))
		return false;
	return add_signature(&text, k, time, out);
}

/* The request as it is signed: with the parameters that a presigned URL adds. */
static bool
presigned_query(const struct sigv4_request *rq, const struct http_header *added, size_t n,
                struct http_header **ret, size_t *ret_n)
{
	struct http_header *all = calloc(rq->query_count + n, sizeof(*all));

	if (all == NULL)
		return false;
	if (rq->query_count > 0)
		memcpy(all, rq->query, rq->query_count * sizeof(*all));
	memcpy(all + rq->query_count, added, n * sizeof(*all));
	*ret = all;
	*ret_n = rq->query_count + n;
	return true;
}

static bool
sign_query(struct sigv4_request rq, const struct pairs *headers, const struct sigv4_key *k,
           const char *time, const struct http_header *added, size_t n, struct str *out)
{
	struct str text CLEANUP(str_free) = STR_INIT(TEXT_MAX);
	struct http_header *all = NULL;
	bool ok;

	if (!presigned_query(&rq, added, n, &all, &rq.query_count))
		return false;
	rq.query = all;
	ok = canonical(&rq, headers, &text) && sigv4_query(all, rq.query_count, out) &&
	     str_add(out, "&X-Amz-Signature=") && add_signature(&text, k, time, out);
	free(all);
	return ok;
}

bool
sigv4_presign(const struct sigv4_request *rq, const struct sigv4_key *k, const char *time,
              int64_t expires_s, struct str *out)
{
	struct pairs headers CLEANUP(pairs_free) = { 0 };
	struct str credential CLEANUP(str_free) = STR_INIT(TEXT_MAX);
	struct str names CLEANUP(str_free) = STR_INIT(TEXT_MAX);
	struct str expires CLEANUP(str_free) = STR_INIT(32);
	struct http_header added[PRESIGN_PARAMS];
	size_t n = 0;

	if (!sort_headers(rq, &headers) || !str_addf(&credential, "%s/", k->access_key) ||
	    !add_scope(k, time, &credential) || !add_header_names(&headers, &names) ||
	    !str_addf(&expires, "%lld", (long long)expires_s))
		return false;
	added[n++] = (struct http_header){ "X-Amz-Algorithm", ALGORITHM };
	added[n++] = (struct http_header){ "X-Amz-Credential", credential.data };
	added[n++] = (struct http_header){ "X-Amz-Date", time };
	added[n++] = (struct http_header){ "X-Amz-Expires", expires.data };
	added[n++] = (struct http_header){ "X-Amz-SignedHeaders", str_text(&names) };
	if (k->session_token != NULL)
		added[n++] = (struct http_header){ "X-Amz-Security-Token", k->session_token };
	return sign_query(*rq, &headers, k, time, added, n, out);
}
