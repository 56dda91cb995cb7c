/* Change streams as text: what is printed reads back, whatever the values. */
#include <check.h>
#include <stdlib.h>

#include "core/changelog_text.h"
#include "core/str.h"
#include "tests/random_rows.h"

#define ROWS 200

START_TEST(test_round_trip)
{
    Random random = random_seed("changelog");
    Arena *arena = arena_new(0);
    const Schema *schema = random_schema(arena, true);
    Batch *batch = random_batch(&random, schema, ROWS);
    for (uint32_t i = 0; i < ROWS; i++)
        batch_kinds(batch, ROWS)[i] = (uint8_t)random_below(&random, 4);
    Batch *back = batch_new(schema, ROWS);
    Buffer line = {0};
    Error error;
    for (uint32_t i = 0; i < ROWS; i++) {
        buffer_clear(&line);
        changelog_print_row(batch, i, NULL, &line);
        Str text = {buffer_text(&line), line.length};
        ck_assert_msg(changelog_read_row(back, text, NULL, &error), "%s: %s", line.data,
                      error.message);
        ck_assert_uint_eq(batch_kind(back, i), batch_kind(batch, i));
        for (uint32_t c = 0; c < schema->column_count; c++)
            ck_assert_msg(vector_values_equal(&back->columns[c], i, &batch->columns[c], i), "%s",
                          line.data);
    }
    Buffer all = {0}, again = {0};
    changelog_print(batch, NULL, &all);
    changelog_print(back, NULL, &again);
    ck_assert_str_eq(buffer_text(&all), buffer_text(&again));
    buffer_deinit(&all);
    buffer_deinit(&again);
    buffer_deinit(&line);
    batch_release(back);
    batch_release(batch);
    arena_free(arena);
}
END_TEST

static void check_line(const Schema *schema, const char *line, const char *wanted)
{
    Batch *batch = batch_new(schema, 4);
    Error error = {0};
    Buffer out = {0};
    bool good = changelog_read_row(batch, str_of(line), NULL, &error);
    if (good)
        changelog_print_row(batch, 0, NULL, &out);
    else
        buffer_append_text(&out, error.message);
    ck_assert_str_eq(buffer_text(&out), wanted);
    buffer_deinit(&out);
    batch_release(batch);
}

START_TEST(test_lines)
{
    Arena *arena = arena_new(0);
    const Column columns[] = {{"id", &type_int}, {"name", &type_string}};
    const Schema *schema = schema_new(arena, columns, 2);
    check_line(schema, "+I[1, Ann]", "+I[1, Ann]");
    check_line(schema, "  [1,Ann]  ", "+I[1, Ann]");
    check_line(schema, "-U[ null , 'null' ]", "-U[NULL, 'null']");
    check_line(schema, "-D[1, '']", "-D[1, '']");
    check_line(schema, "+U[1, 'it''s, [x]']", "+U[1, 'it''s, [x]']");
    check_line(schema, "+I[1, f(x) {a=b}]", "+I[1, f(x) {a=b}]");
    check_line(schema, "+I[1]", "row has too few columns");
    check_line(schema, "+I[1, a, b]", "row has too many columns");
    check_line(schema, "+I[1, a] b", "text follows the row");
    check_line(schema, "+I[1, 'a]", "column \"name\": quote is not closed");
    check_line(schema, "+I[x, a]", "column \"id\": cannot read \"x\" as INT");
    check_line(schema, "+X[1, a]", "row does not start with +I, -U, +U, -D or \"[\"");
    check_line(schema, "", "row does not start with +I, -U, +U, -D or \"[\"");
    const Type *list =
        type_new_nested(arena, TYPE_ARRAY, true, &(TypeField){NULL, &type_string}, 1);
    const Schema *nested = schema_new(arena, &(Column){"a", list}, 1);
    check_line(nested, "[[a, 'b,c', NULL]]", "+I[[a, 'b,c', NULL]]");
    check_line(nested, "[[]]", "+I[[]]");
    check_line(nested, "[[a]", "row has too many columns");
    check_line(nested, "[[a", "column \"a\": value is not closed");
    check_line(nested, "[a]", "column \"a\": array does not start with \"[\"");
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("changelog_text");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_round_trip);
    tcase_add_test(tests, test_lines);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
