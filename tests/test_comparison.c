/* Comparison operators, NULL tests, IN, LIKE and SIMILAR TO. */
#include "tests/function_case.h"
#include "tests/suite.h"

static const FunctionCase comparisons[] = {
    {"=", "INT 1 | INT 1", "BOOLEAN TRUE"},
    {"=", "INT 1 | BIGINT 4294967297", "BOOLEAN FALSE"},
    {"<>", "INT 1 | INT NULL", "BOOLEAN NULL"},
    {"=", "INT 1 | NULL NULL", "BOOLEAN NULL"},
    {"<", "TINYINT -1 | SMALLINT 1", "BOOLEAN TRUE"},
    {">=", "INT 2 | DOUBLE 1.5", "BOOLEAN TRUE"},
    {"=", "DECIMAL(3,1) 1.5 | DECIMAL(4,2) 1.50", "BOOLEAN TRUE"},
    {"<", "DECIMAL(3,1) 1.5 | INT 2", "BOOLEAN TRUE"},
    {">", "BIGINT 9223372036854775807 | DECIMAL(38,18) 9223372036854775806.5", "BOOLEAN TRUE"},
    {"<", "DECIMAL(38,0) 99999999999999999999999999999999999999 | DECIMAL(38,37) 1.5",
     "BOOLEAN FALSE"},
    {"=", "DECIMAL(38,0) 1 | DECIMAL(38,37) 1.0", "BOOLEAN TRUE"},
    {">", "DECIMAL(38,0) -1 | DECIMAL(38,37) -1.5", "BOOLEAN TRUE"},
    {"=", "DOUBLE NaN | DOUBLE NaN", "BOOLEAN FALSE"},
    {"=", "DOUBLE -0.0 | DOUBLE 0.0", "BOOLEAN TRUE"},
    {"=", "STRING abc | CHAR(3) abc", "BOOLEAN TRUE"},
    {"=", "STRING abc | CHAR(4) abcd", "BOOLEAN FALSE"},
    {"=", "STRING a long text of its own | STRING a long text of its own", "BOOLEAN TRUE"},
    {"=", "STRING a long text of its own | STRING a long text of its owm", "BOOLEAN FALSE"},
    {"<", "STRING abc | STRING abd", "BOOLEAN TRUE"},
    {"<=", "STRING a long text of its own | STRING a long text of its owm", "BOOLEAN FALSE"},
    {">", "STRING é | STRING z", "BOOLEAN TRUE"},
    {"<", "BOOLEAN FALSE | BOOLEAN TRUE", "BOOLEAN TRUE"},
    {"=", "DATE 2024-01-01 | DATE 2024-01-01", "BOOLEAN TRUE"},
    {"=", "TIMESTAMP(3) 2024-01-01 00:00:00.5 | TIMESTAMP(9) 2024-01-01 00:00:00.5",
     "BOOLEAN TRUE"},
    {"<", "DATE 2024-01-01 | TIMESTAMP(3) 2024-01-01 00:00:00.5", "BOOLEAN TRUE"},
    {"=", "DATE 2024-01-01 | !STRING 2024-01-01", "BOOLEAN TRUE"},
    {">=", "TIMESTAMP(3) 2024-01-01 10:00:00 | !CHAR(10) 2024-01-01", "BOOLEAN TRUE"},
    {"<", "!STRING 2024-01-02 | DATE 2024-01-01", "BOOLEAN FALSE"},
    {"=", "DATE 2024-01-01 | !STRING yesterday", "error: \"yesterday\" is not a DATE"},
    {"=", "INT 1 | STRING 1",
     "error: implicit type conversion between INT and STRING is not supported"},
    {"<", "BOOLEAN TRUE | INT 1",
     "error: implicit type conversion between BOOLEAN and INT is not supported"},
    {"IS DISTINCT FROM", "INT 1 | INT NULL", "BOOLEAN TRUE"},
    {"IS DISTINCT FROM", "INT NULL | INT NULL", "BOOLEAN FALSE"},
    {"IS NOT DISTINCT FROM", "STRING a | STRING a", "BOOLEAN TRUE"},
    {"IS NOT DISTINCT FROM", "STRING a | STRING NULL", "BOOLEAN FALSE"},
    {"IS NULL", "INT NULL", "BOOLEAN TRUE"},
    {"IS NULL", "STRING a", "BOOLEAN FALSE"},
    {"IS NOT NULL", "STRING NULL", "BOOLEAN FALSE"},
    {"NOT", "BOOLEAN TRUE", "BOOLEAN FALSE"},
    {"NOT", "BOOLEAN NULL", "BOOLEAN NULL"},
    {"NOT", "INT 1", "error: operator \"NOT\" does not take (INT)"},
    {"IS TRUE", "BOOLEAN NULL", "BOOLEAN FALSE"},
    {"IS NOT TRUE", "BOOLEAN NULL", "BOOLEAN TRUE"},
    {"IS FALSE", "BOOLEAN FALSE", "BOOLEAN TRUE"},
    {"IS NOT FALSE", "BOOLEAN FALSE", "BOOLEAN FALSE"},
    {"IS UNKNOWN", "BOOLEAN NULL", "BOOLEAN TRUE"},
    {"IS NOT UNKNOWN", "BOOLEAN TRUE", "BOOLEAN TRUE"},
};

static const FunctionCase lists[] = {
    {"IN", "INT 2 | INT 1 | INT 2", "BOOLEAN TRUE"},
    {"IN", "INT 3 | INT 1 | INT 2", "BOOLEAN FALSE"},
    {"IN", "INT 3 | INT 1 | INT NULL", "BOOLEAN NULL"},
    {"IN", "INT 1 | INT 1 | INT NULL", "BOOLEAN TRUE"},
    {"IN", "INT NULL | INT 1", "BOOLEAN NULL"},
    {"IN", "INT 3 | BIGINT 4294967299 | INT 2", "BOOLEAN FALSE"},
    {"IN", "STRING b | STRING a | STRING b", "BOOLEAN TRUE"},
    {"IN", "STRING a text that is long | STRING a | STRING a text that is long", "BOOLEAN TRUE"},
    {"IN", "DECIMAL(3,1) 1.5 | INT 1 | DECIMAL(4,2) 1.50", "BOOLEAN TRUE"},
    {"IN",
     "INT 11 | INT 1 | INT 12 | INT 3 | INT 4 | INT 5 | INT 6 | INT 7 | INT 8 | INT 9 | INT 10 | "
     "INT 11",
     "BOOLEAN TRUE"},
    {"IN",
     "STRING x | STRING k | STRING b | STRING a | STRING d | STRING e | STRING f | STRING g | "
     "STRING h | STRING i | STRING j",
     "BOOLEAN FALSE"},
    {"IN", "INT 1 | STRING 1", "error: implicit type conversion between INT and STRING"},
};

static const FunctionCase patterns[] = {
    {"LIKE", "STRING hello | STRING hello", "BOOLEAN TRUE"},
    {"LIKE", "STRING hello | STRING hell", "BOOLEAN FALSE"},
    {"LIKE", "STRING hello | STRING he%", "BOOLEAN TRUE"},
    {"LIKE", "STRING hello | STRING %lo", "BOOLEAN TRUE"},
    {"LIKE", "STRING hello | STRING %ell%", "BOOLEAN TRUE"},
    {"LIKE", "STRING hello | STRING %elk%", "BOOLEAN FALSE"},
    {"LIKE", "STRING hello | STRING h%o", "BOOLEAN TRUE"},
    {"LIKE", "STRING hello | STRING h%l%o", "BOOLEAN TRUE"},
    {"LIKE", "STRING hello | STRING h%x%o", "BOOLEAN FALSE"},
    {"LIKE", "STRING hello | STRING h_llo", "BOOLEAN TRUE"},
    {"LIKE", "STRING hello | STRING _____", "BOOLEAN TRUE"},
    {"LIKE", "STRING hello | STRING ____", "BOOLEAN FALSE"},
    {"LIKE", "STRING hello | STRING %_o", "BOOLEAN TRUE"},
    {"LIKE", "STRING o | STRING %_o", "BOOLEAN FALSE"},
    {"LIKE", "STRING hello | STRING _%_%_", "BOOLEAN TRUE"},
    {"LIKE", "STRING grüße | STRING gr__e", "BOOLEAN TRUE"},
    {"LIKE", "STRING grüße | STRING %_ße", "BOOLEAN TRUE"},
    {"LIKE", "STRING grüße | STRING %ü_e", "BOOLEAN TRUE"},
    {"LIKE", "STRING aab | STRING %ab", "BOOLEAN TRUE"},
    {"LIKE", "STRING abab | STRING ab%ab", "BOOLEAN TRUE"},
    {"LIKE", "STRING aba | STRING ab%ba", "BOOLEAN FALSE"},
    {"LIKE", "STRING  | STRING %", "BOOLEAN TRUE"},
    {"LIKE", "STRING  | STRING ", "BOOLEAN TRUE"},
    {"LIKE", "STRING x | STRING ", "BOOLEAN FALSE"},
    {"LIKE", "STRING  | STRING _", "BOOLEAN FALSE"},
    {"LIKE", "STRING 50% | STRING 50!% | STRING !", "BOOLEAN TRUE"},
    {"LIKE", "STRING 50x | STRING 50!% | STRING !", "BOOLEAN FALSE"},
    {"LIKE", "STRING a_b! | STRING %!_b!! | STRING !", "BOOLEAN TRUE"},
    {"LIKE", "STRING a | STRING a! | STRING !", "error: invalid escape in LIKE pattern \"a!\""},
    {"LIKE", "STRING a | STRING a | STRING !!", "error: invalid escape character \"!!\""},
    {"LIKE", "STRING NULL | STRING a", "BOOLEAN NULL"},
    {"NOT LIKE", "STRING hello | STRING he%", "BOOLEAN FALSE"},
    {"SIMILAR TO", "STRING abab | STRING (ab)+", "BOOLEAN TRUE"},
    {"SIMILAR TO", "STRING xabab | STRING (ab)+", "BOOLEAN FALSE"},
    {"SIMILAR TO", "STRING a.b | STRING a.b", "BOOLEAN TRUE"},
    {"SIMILAR TO", "STRING axb | STRING a.b", "BOOLEAN FALSE"},
    {"SIMILAR TO", "STRING a%b | STRING a!%b | !STRING !", "BOOLEAN TRUE"},
    {"SIMILAR TO", "STRING axb | STRING a!%b | !STRING !", "BOOLEAN FALSE"},
    {"SIMILAR TO", "STRING axb | STRING a!%b | !STRING !!", "error: invalid escape character"},
    {"NOT SIMILAR TO", "STRING abab | STRING (ab)+", "BOOLEAN FALSE"},
    {"NOT SIMILAR TO", "STRING abc | STRING (ab)+", "BOOLEAN TRUE"},
    {"SIMILAR TO", "STRING axyzb | STRING a%(b|c)", "BOOLEAN TRUE"},
};

/* The obvious matcher: byte strings over a small alphabet. */
static bool like_plainly(const char *text, const char *pattern)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '%')
        return like_plainly(text, pattern + 1) ||
               (*text != '\0' && like_plainly(text + 1, pattern));
    return *text != '\0' && (*pattern == '_' || *pattern == *text) &&
           like_plainly(text + 1, pattern + 1);
}

START_TEST(test_like_random)
{
    const unsigned seed = (unsigned)clock_monotonic_us();
    srand(seed);
    for (int i = 0; i < 3000; i++) {
        char text[9] = {0};
        char pattern[9] = {0};
        const int text_length = rand() % 9;
        const int pattern_length = rand() % 8;
        for (int k = 0; k < text_length && k < 8; k++)
            text[k] = "ab"[rand() % 2];
        for (int k = 0; k < pattern_length; k++)
            pattern[k] = "ab%_"[rand() % 4];
        Arena *arena = arena_new(1024);
        Vector vectors[2];
        const Vector *const args[2] = {&vectors[0], &vectors[1]};
        const Type *const types[2] = {&type_string, &type_string};
        for (int k = 0; k < 2; k++) {
            vector_init_constant(&vectors[k], &type_string, arena);
            vector_set_valid(&vectors[k], 0);
            vector_set_str(&vectors[k], 0, str_of(k == 0 ? text : pattern), arena);
        }
        const FunctionSite site = {types, args, 2, time_zone_utc(), arena, NULL};
        BoundFunction bound;
        ck_assert(function_bind("LIKE", &site, &bound, NULL));
        Vector out;
        vector_init(&out, &type_boolean, 1, arena);
        KernelCall call = {args, 2, NULL, 1, &out, arena, bound.data, NULL, 0};
        ck_assert(bound.kernel(&call, NULL));
        ck_assert_msg((((uint8_t *)out.data)[0] != 0) == like_plainly(text, pattern),
                      "seed %u: '%s' LIKE '%s'", seed, text, pattern);
        arena_free(arena);
    }
}
END_TEST

CHECK_CASES(comparisons, "UTC")
CHECK_CASES(lists, "UTC")
CHECK_CASES(patterns, "UTC")

int main(void)
{
    TCase *tests = tcase_create("operators");
    tcase_add_test(tests, test_comparisons);
    tcase_add_test(tests, test_lists);
    tcase_add_test(tests, test_patterns);
    tcase_add_test(tests, test_like_random);
    return test_run("comparison", tests);
}
