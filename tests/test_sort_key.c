/* Sort keys: memcmp order of the bytes against vector_values_compare, and values read back. */
#include <check.h>
#include <stdlib.h>

#include "core/sort_key.h"
#include "core/str.h"
#include "tests/random_rows.h"

#define ROWS 80

static int wanted_order(const Vector *v, uint32_t a, uint32_t b, SortOrder order)
{
    bool a_null = vector_is_null(v, a), b_null = vector_is_null(v, b);
    if (a_null || b_null)
        return order.nulls_last ? a_null - b_null : b_null - a_null;
    int result = vector_values_compare(v, a, v, b);
    return order.descending ? -result : result;
}

/* All rows at once are what each is by itself, with room behind. */
static void check_encode(const Vector *vector, SortOrder order)
{
    SortKeyColumn columns[2] = {{vector, order}, {vector, {!order.descending, false}}};
    Buffer all = {0}, one = {0};
    Str keys[ROWS];
    sort_key_encode(columns, 2, ROWS, 3, &all, keys);
    for (uint32_t i = 0; i < ROWS; i++) {
        buffer_clear(&one);
        for (uint32_t c = 0; c < 2; c++)
            sort_key_append(&one, vector, i, columns[c].order);
        buffer_append(&one, "\0\0", 3);
        ck_assert(str_equal(keys[i], (Str){one.data, one.length}));
    }
    buffer_deinit(&all);
    buffer_deinit(&one);
}

static void check_column(const Vector *vector, SortOrder order, Arena *arena)
{
    Buffer keys[ROWS] = {{0}};
    Vector back;
    vector_init(&back, vector->type, ROWS, arena);
    check_encode(vector, order);
    for (uint32_t i = 0; i < ROWS; i++) {
        sort_key_append(&keys[i], vector, i, order);
        buffer_append_text(&keys[i], "tail");
        Str bytes = {keys[i].data, keys[i].length};
        sort_key_read(&bytes, order, &back, i, arena);
        ck_assert(str_equal(bytes, STR("tail")));
        ck_assert(vector_values_equal(&back, i, vector, i));
        keys[i].length -= 4;
    }
    for (uint32_t i = 0; i < ROWS; i++)
        for (uint32_t j = 0; j < ROWS; j++) {
            size_t shorter = keys[i].length < keys[j].length ? keys[i].length : keys[j].length;
            int order_of_bytes = memcmp(keys[i].data, keys[j].data, shorter);
            int wanted = wanted_order(vector, i, j, order);
            ck_assert_int_eq((order_of_bytes > 0) - (order_of_bytes < 0), wanted);
            ck_assert(wanted != 0 || keys[i].length == keys[j].length);
        }
    for (uint32_t i = 0; i < ROWS; i++)
        buffer_deinit(&keys[i]);
}

START_TEST(test_order)
{
    Random random = random_seed("sort key");
    Arena *arena = arena_new(0);
    const Schema *schema = random_schema(arena, true);
    Batch *batch = random_batch(&random, schema, ROWS);
    for (uint32_t c = 0; c < schema->column_count; c++)
        for (int flags = 0; flags < 4; flags++)
            check_column(&batch->columns[c], (SortOrder){(flags & 1) != 0, (flags & 2) != 0},
                         arena);
    batch_release(batch);
    arena_free(arena);
}
END_TEST

START_TEST(test_integers_without_nulls)
{
    Random random = random_seed("sort key of integers");
    Arena *arena = arena_new(0);
    for (int turn = 0; turn < 8; turn++) {
        Vector vector;
        bool is_long = (turn & 1) != 0;
        vector_init(&vector, is_long ? &type_bigint : &type_int, ROWS, arena);
        for (uint32_t i = 0; i < ROWS && is_long; i++)
            ((int64_t *)vector.data)[i] = (int64_t)random_next(&random);
        for (uint32_t i = 0; i < ROWS && !is_long; i++)
            ((int32_t *)vector.data)[i] = (int32_t)random_next(&random);
        vector.constant = (turn & 2) != 0;
        check_column(&vector, (SortOrder){(turn & 4) != 0, false}, arena);
    }
    arena_free(arena);
}
END_TEST

START_TEST(test_strings_with_zeros)
{
    Arena *arena = arena_new(0);
    static const struct {
        const char *text;
        size_t length;
    } texts[] = {{"", 0},  {"\0", 1},  {"\0\0", 2}, {"\0\xFF", 2},
                 {"a", 1}, {"a\0", 2}, {"a\1", 2},  {"\xFF", 1}};
    Vector vector;
    vector_init(&vector, &type_bytes, ROWS, arena);
    for (uint32_t i = 0; i < ROWS; i++)
        vector_set_str(
            &vector, i,
            (Str){texts[i % array_count(texts)].text, texts[i % array_count(texts)].length}, arena);
    check_column(&vector, (SortOrder){false, false}, arena);
    check_column(&vector, (SortOrder){true, false}, arena);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sort_key");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_order);
    tcase_add_test(tests, test_strings_with_zeros);
    tcase_add_test(tests, test_integers_without_nulls);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
