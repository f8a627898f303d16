#include "base/metrics.h"

#include "tests/support/unit.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

static void without_a_registry_there_is_a_dummy(void **state)
{
	struct metric *m = metric_get(METRIC_COUNTER, "srs_x_total", "", "x");

	(void)state;
	assert_non_null(m);
	metric_add(m, 3);
}

static void the_same_name_and_labels_are_the_same_slot(void **state)
{
	struct metric *a, *b, *c;

	(void)state;
	a = metric_get(METRIC_COUNTER, "srs_a_total", "r=\"1\"", "A.");
	b = metric_get(METRIC_COUNTER, "srs_a_total", "r=\"1\"", "A.");
	c = metric_get(METRIC_COUNTER, "srs_a_total", "r=\"2\"", "A.");
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	metric_add(a, 5);
	metric_add(b, -2);
	assert_int_equal(metric_value(a), 3);
}

static void a_child_and_its_parent_share_values(void **state)
{
	struct metric *m;
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		metric_set(metric_get(METRIC_GAUGE, "srs_g", "", "G."), 42);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	m = metric_get(METRIC_GAUGE, "srs_g", "", "G.");
	assert_int_equal(metric_value(m), 42);
}

static void the_text_keeps_families_together(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	assert_int_equal(metrics_print(&b), 0);
	assert_string_equal(buf_str(&b),
			    "# HELP srs_a_total A.\n"
			    "# TYPE srs_a_total counter\n"
			    "srs_a_total{r=\"1\"} 3\n"
			    "srs_a_total{r=\"2\"} 0\n"
			    "# HELP srs_g G.\n# TYPE srs_g gauge\nsrs_g 42\n");
	buf_fini(&b);
}

static void a_full_registry_shares_one_slot(void **state)
{
	struct metric *m = NULL, *last = NULL;
	char label[32];
	struct buf b;
	int i;

	(void)state;
	for (i = 0; i < METRICS_MAX + 2; i++) {
		last = m;
		snprintf(label, sizeof(label), "i=\"%d\"", i);
		m = metric_get(METRIC_COUNTER, "srs_many_total", label, "M.");
	}
	assert_ptr_equal(m, last);
	metric_add(m, 1);
	buf_init(&b, 1000000);
	assert_int_equal(metrics_print(&b), 0);
	assert_non_null(strstr(buf_str(&b), "\nsrs_metrics_overflow 1\n"));
	buf_fini(&b);
}

static int setup(void **state)
{
	(void)state;
	return metrics_setup() + metrics_setup();
}

int main(void)
{
	const struct CMUnitTest before[] = {
		cmocka_unit_test(without_a_registry_there_is_a_dummy),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_name_and_labels_are_the_same_slot),
		cmocka_unit_test(a_child_and_its_parent_share_values),
		cmocka_unit_test(the_text_keeps_families_together),
		cmocka_unit_test(a_full_registry_shares_one_slot),
	};
	int bad;

	bad = cmocka_run_group_tests(before, NULL, NULL);
	return bad + cmocka_run_group_tests(tests, setup, NULL);
}
