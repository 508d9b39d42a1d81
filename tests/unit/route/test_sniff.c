/* test_sniff.c -- types by first bytes, and claims against them. */
#include <check.h>
#include <string.h>

#include "base/compiler.h"
#include "route/sniff.h"
#include "base/banned.h"

#define DOCX "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
#define XLSX "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#define PPTX "application/vnd.openxmlformats-officedocument.presentationml.presentation"
#define BYTES(text) (text), sizeof(text) - 1

static const struct {
	const char *head;
	size_t n;
	const char *type;
} heads[] = {
	{ BYTES("%PDF-1.7\n"), "application/pdf" },
	{ BYTES("\xef\xbb\xbf\r\n %PDF-1.4\n"), "application/pdf" },
	{ BYTES("\r\n  junk before\n%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"), "application/pdf" },
	{ BYTES("junk\1before %PDF-1.4\n1 0 obj\n"), "application/pdf" },
	{ BYTES("junk before\n%PDF-1.4\n%\xe2 is a sign\n"), "text/plain" },
	{ BYTES("A PDF begins with %PDF-1.7 and a line end.\n"), "text/plain" },
	{ BYTES("type,magic\npdf,%PDF-\n"), "text/csv" },
	{ BYTES("\xff\xd8\xff\xe0\0\x10JFIF"), "image/jpeg" },
	{ BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "image/png" },
	{ BYTES("GIF89a\1\0"), "image/gif" },
	{ BYTES("GIF87a\1\0"), "image/gif" },
	{ BYTES("RIFF\1\2\3\4WEBPVP8 "), "image/webp" },
	{ BYTES("XXXX\1\2\3\4WEBPVP8 "), "application/octet-stream" },
	{ BYTES("II*\0\x08\0"), "image/tiff" },
	{ BYTES("MM\0*\0\0"), "image/tiff" },
	{ BYTES("\x1f\x8b\x08\0"), "application/gzip" },
	{ BYTES("\0\0\0\x18"
	        "ftypisom"),
	  "video/mp4" },
	{ BYTES("\0\0\0\x18"
	        "ftypheic"),
	  "image/heic" },
	{ BYTES("\0\0\0\x18"
	        "ftypmif1"),
	  "image/heic" },
	{ BYTES("\0\0\0\x18"
	        "ftypavif"),
	  "image/avif" },
	{ BYTES("\0\0\0\x14"
	        "ftypqt  "),
	  "video/quicktime" },
	{ BYTES("PK\3\4\0\0 plain.txt"), "application/zip" },
	{ BYTES("PK\5\6\0\0\0\0"), "application/zip" },
	{ BYTES("PK\3\4 word/document.xml"), "application/zip" },
	{ BYTES("PK\3\4 _rels/.rels \0 word/document.xml"), DOCX },
	{ BYTES("PK\3\4 [Content_Types].xml \0 xl/workbook.xml"), XLSX },
	{ BYTES("PK\3\4 [Content_Types].xml \0 ppt/presentation.xml"), PPTX },
	{ BYTES("PK\3\4 [Content_Types].xml \0 word/document.xml"), DOCX },
	{ BYTES("<!DOCTYPE html><p>"), "text/html" },
	{ BYTES("\xef\xbb\xbf\n <HTML lang=en>"), "text/html" },
	{ BYTES("<html\r\nlang=en>"), "text/html" },
	{ BYTES("<head><title>"), "text/html" },
	{ BYTES("<body>"), "text/html" },
	{ BYTES("<bodyguard>"), "text/plain" },
	{ BYTES("a,b,c\n1,2,3\n"), "text/csv" },
	{ BYTES("a;b\n\"x;y\";2\n"), "text/csv" },
	{ BYTES("name\tage\nx\t1"), "text/csv" },
	{ BYTES("one line, with a comma"), "text/plain" },
	{ BYTES("Dear all,\nno table here.\n"), "text/plain" },
	{ BYTES("gr\xc3\xbc\xc3\x9f"
	        "e"),
	  "text/plain" },
	{ BYTES("caf\xe9 cr\xe8me br\xfbl\xe9"
	        "e and more\n"),
	  "text/plain" },                          /* Latin-1 */
	{ BYTES("\xff\xfeh\0i\0"), "text/plain" }, /* UTF-16 */
	{ BYTES("\xfe\xff\0h\0i"), "text/plain" },
	{ BYTES("aa\xe9"), "text/plain" }, /* a third of it, at most */
	{ BYTES("a\xe9"), "application/octet-stream" },
	{ BYTES("\1\2\3\4"), "application/octet-stream" },
	{ BYTES("text\0with nul"), "application/octet-stream" },
	{ BYTES("\xfa\xfb\xfc\xfd\xaa"), "application/octet-stream" },
	{ BYTES(""), "application/x-empty" },
};

START_TEST(sniffs)
{
	ck_assert_str_eq(sniff_type(heads[_i].head, heads[_i].n, true), heads[_i].type);
}
END_TEST

START_TEST(every_prefix_has_a_type)
{
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		for (size_t n = 0; n <= heads[i].n; n++)
			ck_assert_ptr_nonnull(sniff_type(heads[i].head, n, n % 2 == 0));
}
END_TEST

START_TEST(cut_character_is_still_text)
{
	char head[12];
	memset(head, 0xc3, sizeof(head));
	for (size_t i = 1; i < sizeof(head); i += 2)
		head[i] = (char)0xbc;
	ck_assert_str_eq(sniff_type(head, 11, false), "text/plain");
	ck_assert_str_eq(sniff_type(head, 11, true), "application/octet-stream");
}
END_TEST

START_TEST(four_bytes_may_be_cut)
{
	static const char faces[] = "\xf0\x9f\x98\x80\xf0\x9f\x98\x80";
	for (size_t n = 5; n < 8; n++) {
		ck_assert_str_eq(sniff_type(faces, n, false), "text/plain");
		ck_assert_str_eq(sniff_type(faces, n, true), "application/octet-stream");
	}
}
END_TEST

START_TEST(a_pdf_begins_early)
{
	char head[1100];
	memset(head, '\1', sizeof(head));
	memcpy(head + 1019, "%PDF-", 5);
	ck_assert_str_eq(sniff_type(head, sizeof(head), false), "application/pdf");
	memset(head, '\1', sizeof(head));
	memcpy(head + 1020, "%PDF-", 5);
	ck_assert_str_eq(sniff_type(head, sizeof(head), false), "application/octet-stream");
}
END_TEST

START_TEST(every_claim_is_heeded)
{
	static const char *const keys[] = {
		".pdf", ".jpg", ".jpeg", ".png",  ".gif",  ".webp", ".tif",  ".tiff",
		".gz",  ".mp4", ".zip",  ".docx", ".xlsx", ".pptx", ".html", ".htm",
		".csv", ".tsv", ".txt",  ".log",  ".md",   ".json", ".xml",
	};
	static const char *const types[] = {
		"application/pdf",  "image/jpg",          "image/webp", "image/tiff",
		"application/gzip", "application/x-gzip", "video/mp4",  "application/zip",
		"text/html",        "text/markdown",      "text/xml",   "application/xml",
	};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		ck_assert_str_eq(sniff_judge("image/avif", keys[i], NULL).claim, keys[i]);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		ck_assert_str_eq(sniff_judge("image/avif", "a", types[i]).claim, types[i]);
}
END_TEST

static const struct {
	const char *sniffed, *key, *content_type;
	const char *claim; /* that is contradicted */
	const char *type;
} verdicts[] = {
	{ "application/pdf", "a.pdf", "application/pdf", NULL, "application/pdf" },
	{ "application/pdf", "a.PDF", NULL, NULL, "application/pdf" },
	{ "application/pdf", "noname", "binary/octet-stream", NULL, "application/pdf" },
	{ "text/plain", "a.pdf", NULL, ".pdf", NULL },
	{ "text/html", "a.pdf", "application/pdf", ".pdf", NULL },
	{ "application/x-empty", "a.pdf", NULL, ".pdf", NULL },
	{ "application/octet-stream", "a.jpg", NULL, ".jpg", NULL },
	{ "image/png", "a.jpg", NULL, ".jpg", NULL },
	{ "application/pdf", "a", "image/png", "image/png", NULL },
	{ "application/pdf", "a.pdf", "image/png", "image/png", NULL },
	{ "application/pdf", "a.csv", NULL, ".csv", NULL },
	{ "image/png", "a.txt", NULL, ".txt", NULL },
	{ "text/plain", "a.csv", NULL, NULL, "text/csv" },
	{ "text/csv", "a.txt", NULL, NULL, "text/plain" },
	{ "text/html", "a.csv", NULL, ".csv", NULL }, /* an error page, saved as data */
	{ "text/plain", "a.json", NULL, NULL, "application/json" },
	{ "application/x-empty", "a.csv", NULL, NULL, "text/csv" },
	{ "application/zip", "a.docx", NULL, NULL, DOCX },
	{ DOCX, "a.docx", NULL, NULL, DOCX },
	{ "application/zip", "a.jar", NULL, NULL, "application/zip" },
	{ "application/octet-stream", "a.bin", "audio/x-odd", NULL, "audio/x-odd" },
	{ "text/plain", "a", "text/csv; charset=latin1", NULL, "text/csv" },
	{ "text/plain", "a.unknown", NULL, NULL, "text/plain" },
	{ "text/plain", "a.tsv", NULL, NULL, "text/tab-separated-values" },
	{ "image/jpeg", "a", "image/jpg", NULL, "image/jpg" },
};

START_TEST(judges)
{
	struct sniff_verdict v =
		sniff_judge(verdicts[_i].sniffed, verdicts[_i].key, verdicts[_i].content_type);
	if (verdicts[_i].claim) {
		ck_assert_ptr_nonnull(v.claim);
		ck_assert_str_eq(v.claim, verdicts[_i].claim);
		ck_assert_ptr_nonnull(v.claimed_type);
	} else {
		ck_assert_ptr_null(v.claim);
		ck_assert_str_eq(v.type, verdicts[_i].type);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sniff");
	TCase *all = tcase_create("types");
	tcase_add_loop_test(all, sniffs, 0, (int)ARRAY_LEN(heads));
	tcase_add_test(all, every_prefix_has_a_type);
	tcase_add_test(all, four_bytes_may_be_cut);
	tcase_add_test(all, a_pdf_begins_early);
	tcase_add_test(all, every_claim_is_heeded);
	tcase_add_test(all, cut_character_is_still_text);
	tcase_add_loop_test(all, judges, 0, (int)ARRAY_LEN(verdicts));
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
