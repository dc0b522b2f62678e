/* Units as people write them: every form that is taken, every form that is refused and with which sentence. */
#include "test.h"

#include "units.h"

#include <math.h>

struct integer_case {
	const char *text;
	int64_t value;
};

struct bad_case {
	const char *text, *sentence;
};

typedef int (*integer_parser)(const char *, int64_t *, struct err *);

static void expect_integers(integer_parser parse, const struct integer_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int64_t value = -1;
		struct err err = {"no sentence"};
		if (parse(cases[i].text, &value, &err) < 0)
			fail_msg("'%s': %s", cases[i].text, err.text);
		if (value != cases[i].value)
			fail_msg("'%s' gave %lld, not %lld", cases[i].text, (long long)value,
				 (long long)cases[i].value);
	}
}

static void expect_refusals(integer_parser parse, const struct bad_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int64_t value = -1;
		struct err err = {"no sentence"};
		assert_int_equal(parse(cases[i].text, &value, &err), -1);
		assert_string_equal(err.text, cases[i].sentence);
		assert_int_equal(value, -1);
	}
}

static void durations(void **state)
{
	(void)state;
	static const struct integer_case good[] = {
	    {"250us", 250000},
	    {"250ms", 250000000},
	    {"300s", 300 * NS_PER_S},
	    {"5m", 300 * NS_PER_S},
	    {"1h", 3600 * NS_PER_S},
	    {"7d", 7 * 86400 * NS_PER_S},
	    {"0s", 0},
	    {"17ns", 17},
	    {"1.5s", 1500000000},
	    {".5ms", 500000},
	    {"1.ms", 1000000},
	    {"1e3s", 1000 * NS_PER_S},
	    {"2.5E-3s", 2500000},
	    {"0.1s", 100000000},
	    {"9223372036854775806ns", INT64_MAX - 1},
	    {"inf", TIME_NEVER_NS},
	};
#define FORM "a duration is a number with ns, us, ms, s, m, h or d, such as 250ms, or inf."
	static const struct bad_case bad[] = {
	    {"", "'' does not begin with a number; " FORM},
	    {"300", "'300' has no unit; " FORM},
	    {"0", "'0' has no unit; " FORM},
	    {"-5s", "'-5s' is negative; " FORM},
	    {"-inf", "'-inf' is negative; " FORM},
	    {"s", "'s' does not begin with a number; " FORM},
	    {".s", "'.s' does not begin with a number; " FORM},
	    {" 5s", "' 5s' does not begin with a number; " FORM},
	    {"+5s", "'+5s' does not begin with a number; " FORM},
	    {"nan", "'nan' does not begin with a number; " FORM},
	    {"infinity", "'infinity' does not begin with a number; " FORM},
	    {"0x10s", "'x10s' in '0x10s' is not a unit known here; " FORM},
	    {"5 s", "' s' in '5 s' is not a unit known here; " FORM},
	    {"5s ", "'s ' in '5s ' is not a unit known here; " FORM},
	    {"5S", "'S' in '5S' is not a unit known here; " FORM},
	    {"5min", "'min' in '5min' is not a unit known here; " FORM},
	    {"1h30m", "'h30m' in '1h30m' is not a unit known here; " FORM},
	    {"1..5s", "'.5s' in '1..5s' is not a unit known here; " FORM},
	    {"1e400d", "'1e400d' is too long; the longest duration is about 106751 days, and inf stands for no limit."},
	    {"106752d",
	     "'106752d' is too long; the longest duration is about 106751 days, and inf stands for no limit."},
	    {"9223372036854775808ns",
	     "'9223372036854775808ns' is too long; the longest duration is about 106751 days, and "
	     "inf stands for no limit."},
	};
#undef FORM
	expect_integers(units_duration, good, COUNT_OF(good));
	expect_refusals(units_duration, bad, COUNT_OF(bad));
}

static void sizes(void **state)
{
	(void)state;
	static const struct integer_case good[] = {
	    {"0", 0},
	    {"512", 512},
	    {"512B", 512},
	    {"1KiB", 1024},
	    {"3MiB", 3 << 20},
	    {"40GiB", INT64_C(40) << 30},
	    {"1TiB", INT64_C(1) << 40},
	    {"2PiB", INT64_C(2) << 50},
	    {"1kB", 1000},
	    {"1KB", 1000},
	    {"100MB", 100000000},
	    {"40GB", INT64_C(40000000000)},
	    {"1.5TB", INT64_C(1500000000000)},
	    {"1.7GiB", INT64_C(1825361101)},
	    {"1e9", 1000000000},
	    {"inf", INT64_MAX},
	};
#define FORM                                                                                                           \
	"a size is a number of bytes, or a number with KiB, MiB, GiB, TiB, kB, MB, GB or TB, such as 40GiB, or inf."
	static const struct bad_case bad[] = {
	    {"40G", "'G' in '40G' is not a unit known here; " FORM},
	    {"40gib", "'gib' in '40gib' is not a unit known here; " FORM},
	    {"GiB", "'GiB' does not begin with a number; " FORM},
	    {"-1GiB", "'-1GiB' is negative; " FORM},
	    {"0.3", "'0.3' is not a whole number; " FORM},
	    {"8192PiB", "'8192PiB' is too large; the limit is below 2^63, and inf stands for no limit."},
	};
#undef FORM
	expect_integers(units_size, good, COUNT_OF(good));
	expect_refusals(units_size, bad, COUNT_OF(bad));
}

static void counts(void **state)
{
	(void)state;
	static const struct integer_case good[] = {
	    {"0", 0},        {"1000", 1000}, {"1e6", 1000000},   {"10k", 10000},
	    {"2M", 2000000}, {"1.5k", 1500}, {"1.1k", 1100},     {"3G", INT64_C(3000000000)},
	    {"2e0k", 2000},  {"007", 7},     {"inf", INT64_MAX}, {"9007199254740993", INT64_C(9007199254740993)},
	};
#define FORM "a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf."
	static const struct bad_case bad[] = {
	    {"", "'' does not begin with a number; " FORM},
	    {"ten", "'ten' does not begin with a number; " FORM},
	    {"-3", "'-3' is negative; " FORM},
	    {"1.5", "'1.5' is not a whole number; " FORM},
	    {"1.2345k", "'1.2345k' is not a whole number; " FORM},
	    {"10K", "'K' in '10K' is not a unit known here; " FORM},
	    {"1e", "'e' in '1e' is not a unit known here; " FORM},
	    {"1,000", "',000' in '1,000' is not a unit known here; " FORM},
	    {"1e19", "'1e19' is too large; the limit is below 2^63, and inf stands for no limit."},
	    {"9223372036854775808",
	     "'9223372036854775808' is too large; the limit is below 2^63, and inf stands for no "
	     "limit."},
	    {"1e99999", "'1e99999' is too large; the limit is below 2^63, and inf stands for no limit."},
	};
#undef FORM
	expect_integers(units_count, good, COUNT_OF(good));
	expect_refusals(units_count, bad, COUNT_OF(bad));
}

static void rates(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double value;
	} good[] = {{"50GB/s", 50e9}, {"100MB/s", 100e6}, {"1.4GB/s", 1.4e9}, {"1GiB/s", 0x1p30}, {"512/s", 512}};
#define FORM "a rate is a size per second, such as 50GB/s, or inf."
	static const struct bad_case bad[] = {
	    {"50GB", "'50GB' does not end in '/s'; " FORM},
	    {"50", "'50' does not end in '/s'; " FORM},
	    {"50GB/min", "'50GB/min' does not end in '/s'; " FORM},
	    {"50Gb/s", "'Gb' in '50Gb/s' is not a unit known here; " FORM},
	    {"-1GB/s", "'-1GB/s' is negative; " FORM},
	    {"/s", "'/s' does not begin with a number; " FORM},
	    {"0GB/s", "'0GB/s' is no rate at which anything arrives; a rate is above zero."},
	    {"1e999GB/s", "'1e999GB/s' is too large; inf stands for no limit."},
	};
#undef FORM
	double value;
	struct err err;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(units_rate(good[i].text, &value, &err), 0);
		assert_true(fabs(value - good[i].value) < 1e-3);
	}
	assert_int_equal(units_rate("inf", &value, &err), 0);
	assert_true(isinf(value));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(units_rate(bad[i].text, &value, &err), -1);
		assert_string_equal(err.text, bad[i].sentence);
	}
}

static void reals(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double value;
	} good[] = {{"0", 0},       {"-0.5", -0.5},    {"3", 3},           {"1e-6", 1e-6},
		    {"0.25", 0.25}, {"inf", INFINITY}, {"-inf", -INFINITY}};
#define FORM "a number such as 3, 0.25 or 1e-6 is expected, or inf."
	static const struct bad_case bad[] = {
	    {"", "'' is not a number; " FORM},           {"nan", "'nan' is not a number; " FORM},
	    {"0x1p3", "'0x1p3' is not a number; " FORM}, {"1.5x", "'1.5x' is not a number; " FORM},
	    {"--1", "'--1' is not a number; " FORM},     {"1e999", "'1e999' is too large; inf stands for no limit."},
	};
#undef FORM
	double value;
	struct err err;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(units_real(good[i].text, &value, &err), 0);
		assert_true(value == good[i].value);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(units_real(bad[i].text, &value, &err), -1);
		assert_string_equal(err.text, bad[i].sentence);
	}
}

static void shown_durations_are_exact(void **state)
{
	(void)state;
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
	    {0, "0s"},
	    {300 * NS_PER_S, "5m"},
	    {1500 * NS_PER_MS, "1500ms"},
	    {90 * NS_PER_S, "90s"},
	    {86400 * NS_PER_S, "1d"},
	    {7200 * NS_PER_S, "2h"},
	    {1234567, "1234567ns"},
	    {-60 * NS_PER_S, "-1m"},
	    {TIME_NEVER_NS, "inf"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char buffer[32];
		struct err err;
		int64_t back;
		assert_string_equal(units_show_duration(cases[i].ns, buffer, sizeof(buffer)), cases[i].text);
		if (cases[i].ns >= 0) {
			assert_int_equal(units_duration(buffer, &back, &err), 0);
			assert_true(back == cases[i].ns);
		}
	}
}

static void shown_sizes_are_rounded(void **state)
{
	(void)state;
	static const struct {
		double bytes;
		const char *text;
	} cases[] = {
	    {0, "0 B"},
	    {1023, "1023 B"},
	    {1024, "1.0 KiB"},
	    {1023.9 * 1024, "1023.9 KiB"},
	    {1023.96 * 1024, "1.0 MiB"},
	    {42e9, "39.1 GiB"},
	    {0x1p70, "1024.0 EiB"},
	    {INFINITY, "inf"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char buffer[32];
		assert_string_equal(units_show_size(cases[i].bytes, buffer, sizeof(buffer)), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(durations),
	    cmocka_unit_test(sizes),
	    cmocka_unit_test(counts),
	    cmocka_unit_test(rates),
	    cmocka_unit_test(reals),
	    cmocka_unit_test(shown_durations_are_exact),
	    cmocka_unit_test(shown_sizes_are_rounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
