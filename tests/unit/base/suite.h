/* suite.h -- the main of a test program: SUITE_MAIN(name, test, test, …) for tests of START_TEST.
 */
#ifndef TESTS_UNIT_BASE_SUITE_H
#define TESTS_UNIT_BASE_SUITE_H

#include <check.h>
#include <stdlib.h>

#include "base/compiler.h"

static inline int
suite_run(const char *name, const TTest *const tests[], size_t n, void (*end)(void))
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	if (end)
		tcase_add_checked_fixture(tc, NULL, end);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* end runs after each test, in its process; NULL: nothing. */
#define SUITE_MAIN_END(name, end, ...)                                                             \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *const tests[] = { __VA_ARGS__ };                                      \
		return suite_run(name, tests, ARRAY_LEN(tests), end);                              \
	}
#define SUITE_MAIN(name, ...) SUITE_MAIN_END(name, NULL, __VA_ARGS__)

#endif
