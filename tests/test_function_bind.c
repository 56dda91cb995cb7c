/* The tables of functions, the language of signatures, and errors of binding. */
#include "tests/function_case.h"
#include "tests/suite.h"

START_TEST(test_tables)
{
    const ScalarFunction *function;
    uint32_t count = 0;
    for (; (function = function_at(count)) != NULL; count++) {
        ck_assert_msg(function->signature != NULL && function->doc != NULL &&
                          function->category != NULL,
                      "%s", function->name);
        for (const char *c = function->name; *c != '\0'; c++)
            ck_assert_msg(*c < 'a' || *c > 'z', "%s is not in upper case", function->name);
        ck_assert_msg(function->doc[strlen(function->doc) - 1] == '.', "%s: not a sentence",
                      function->name);
        ck_assert_msg((function->kernel != NULL) || (function->bind != NULL), "%s", function->name);
    }
    ck_assert_uint_gt(count, 150);
}
END_TEST

/* Binds every function whose signature binds it, with arguments that fit word by word: a signature
 * that does not parse, or a word that does not exist, asserts. */
START_TEST(test_signatures_parse)
{
    const ScalarFunction *function;
    for (uint32_t i = 0; (function = function_at(i)) != NULL; i++) {
        if (function->bind != NULL)
            continue;
        Arena *arena = arena_new(1024);
        const Type *types[4] = {&type_null, &type_null, &type_null, &type_null};
        bool bound_once = false;
        for (uint32_t count = 0; count <= array_count(types); count++) {
            const FunctionSite site = {types, NULL, count, time_zone_utc(), arena, NULL};
            BoundFunction bound;
            if (!function_bind(function->name, &site, &bound, NULL))
                continue;
            bound_once = true;
            ck_assert_ptr_nonnull(bound.kernel);
            ck_assert_ptr_nonnull(bound.result);
            ck_assert_uint_eq(bound.argument_count, count);
        }
        ck_assert_msg(bound_once, "%s%s", function->name, function->signature);
        arena_free(arena);
    }
}
END_TEST

static const char *bind_error(const char *name, const Type *const *types, uint32_t count,
                              Error *error, Arena *arena)
{
    const FunctionSite site = {types, NULL, count, time_zone_utc(), arena, NULL};
    BoundFunction bound;
    *error = (Error){0};
    ck_assert(!function_bind(name, &site, &bound, error));
    return error->message;
}

START_TEST(test_errors)
{
    Arena *arena = arena_new(1024);
    const Type *types[] = {&type_int, &type_string};
    Error error;
    ck_assert_str_eq(bind_error("UPER", types + 1, 1, &error, arena),
                     "function \"UPER\" does not exist");
    ck_assert_int_eq(error.code, ERROR_NAME);
    ck_assert_str_eq(error.hint, "Did you mean \"UPPER\"?");
    ck_assert_str_eq(bind_error("substring", types, 2, &error, arena),
                     "function \"SUBSTRING\" does not take (INT, STRING)");
    ck_assert_int_eq(error.code, ERROR_TYPE);
    ck_assert_str_eq(error.detail,
                     "It can be used as SUBSTRING(STRING, BIGINT, BIGINT?) -> STRING.");
    bind_error("hex", types, 2, &error, arena);
    ck_assert_str_eq(error.detail, "It can be used as HEX(BIGINT) -> STRING; "
                                   "HEX(STRING|BYTES) -> STRING.");
    ck_assert_str_eq(bind_error("=", types, 2, &error, arena),
                     "implicit type conversion between INT and STRING is not supported");
    ck_assert_int_ne(error.hint[0], '\0');
    arena_free(arena);
}
END_TEST

START_TEST(test_nullability)
{
    Arena *arena = arena_new(1024);
    const Type *present = type_with_nullable(arena, &type_int, false);
    const Type *types[] = {present, &type_int};
    BoundFunction bound;
    for (uint32_t second = 0; second < 2; second++) {
        const Type *pair[] = {types[0], types[second]};
        const FunctionSite site = {pair, NULL, 2, time_zone_utc(), arena, NULL};
        ck_assert(function_bind("+", &site, &bound, NULL));
        ck_assert(bound.result->nullable == (second == 1));
        ck_assert(function_bind("IS DISTINCT FROM", &site, &bound, NULL));
        ck_assert(!bound.result->nullable);
        ck_assert(function_bind("NULLIF", &site, &bound, NULL));
        ck_assert(bound.result->nullable);
        ck_assert(function_bind("IFNULL", &site, &bound, NULL));
        ck_assert(!bound.result->nullable);
    }
    arena_free(arena);
}
END_TEST

/* Argument types that the planner casts to. */
START_TEST(test_argument_types)
{
    Arena *arena = arena_new(1024);
    const Type *types[] = {&type_tinyint, &type_bigint};
    const FunctionSite site = {types, NULL, 2, time_zone_utc(), arena, NULL};
    BoundFunction bound;
    ck_assert(function_bind("<", &site, &bound, NULL));
    ck_assert_int_eq(bound.argument_types[0]->kind, TYPE_BIGINT);
    ck_assert_int_eq(bound.argument_types[1]->kind, TYPE_BIGINT);
    ck_assert(function_bind("POWER", &site, &bound, NULL));
    ck_assert_int_eq(bound.argument_types[0]->kind, TYPE_DOUBLE);
    /* Lengths of text need no cast. */
    const Type fixed = type_make(TYPE_CHAR, true, 3, 0);
    const Type *texts[] = {&fixed, &type_string};
    const FunctionSite text_site = {texts, NULL, 2, time_zone_utc(), arena, NULL};
    ck_assert(function_bind("=", &text_site, &bound, NULL));
    ck_assert_ptr_eq(bound.argument_types[0], &fixed);
    ck_assert(function_bind("CONCAT", &text_site, &bound, NULL));
    ck_assert_ptr_eq(bound.argument_types[0], &fixed);
    arena_free(arena);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("binding");
    tcase_add_test(tests, test_tables);
    tcase_add_test(tests, test_signatures_parse);
    tcase_add_test(tests, test_errors);
    tcase_add_test(tests, test_nullability);
    tcase_add_test(tests, test_argument_types);
    return test_run("function binding", tests);
}
