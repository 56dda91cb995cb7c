/* Batches: ownership, gathering, copying, appending. */
#include <check.h>
#include <stdlib.h>

#include "core/batch.h"
#include "tests/random_rows.h"

#define ROWS 500

static void check_same_row(const Batch *a, uint32_t a_row, const Batch *b, uint32_t b_row)
{
    ck_assert_uint_eq(batch_kind(a, a_row), batch_kind(b, b_row));
    for (uint32_t c = 0; c < a->column_count; c++)
        ck_assert(vector_values_equal(&a->columns[c], a_row, &b->columns[c], b_row));
}

static Batch *batch_with_kinds(Random *random, const Schema *schema)
{
    Batch *batch = random_batch(random, schema, ROWS);
    uint8_t *kinds = batch_kinds(batch, ROWS);
    for (uint32_t i = 0; i < ROWS; i++)
        kinds[i] = (uint8_t)random_below(random, 4);
    return batch;
}

/* Strings and nested values stay readable after the source's owner has let go of it. */
START_TEST(test_gather_holds)
{
    Random random = random_seed("batch");
    Arena *arena = arena_new(0);
    const Schema *schema = random_schema(arena, true);
    Batch *batch = batch_with_kinds(&random, schema);
    Batch *reference = batch_copy(batch);
    uint32_t rows[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = random_below(&random, ROWS);
    Batch *gathered = batch_gather(batch, rows, ROWS);
    ck_assert_uint_eq(batch->references, 2);
    batch_release(batch);
    ck_assert_uint_eq(batch->references, 1);
    for (uint32_t i = 0; i < ROWS; i++)
        check_same_row(gathered, i, reference, rows[i]);
    batch_release(gathered);
    batch_release(reference);
    arena_free(arena);
}
END_TEST

START_TEST(test_append)
{
    Random random = random_seed("append");
    Arena *arena = arena_new(0);
    const Schema *schema = random_schema(arena, true);
    Batch *from = batch_with_kinds(&random, schema);
    Batch *to = batch_new(schema, ROWS);
    for (uint32_t i = 0; i < ROWS; i++)
        batch_append_row(to, from, ROWS - 1 - i);
    ck_assert_uint_eq(to->row_count, ROWS);
    Batch *copy = batch_copy(from);
    batch_release(from);
    for (uint32_t i = 0; i < ROWS; i++)
        check_same_row(to, i, copy, ROWS - 1 - i);
    batch_release(copy);
    batch_release(to);
    arena_free(arena);
}
END_TEST

START_TEST(test_hold_many)
{
    Arena *arena = arena_new(0);
    const Schema *schema = schema_new(arena, &(Column){"a", &type_int}, 1);
    Batch *batch = batch_new_bare(schema);
    Batch *sources[20];
    for (size_t i = 0; i < array_count(sources); i++) {
        sources[i] = batch_new(schema, 10);
        batch_hold(batch, batch_retain(sources[i]));
    }
    ck_assert_uint_eq(sources[0]->references, 2);
    for (size_t i = 0; i < array_count(sources); i++)
        batch_release(sources[i]);
    ck_assert_uint_eq(sources[0]->references, 1);
    /* A held batch counts by halves for its two owners. */
    Batch *other = batch_new_bare(schema);
    size_t alone = batch_bytes(batch);
    for (size_t i = 0; i < array_count(sources); i++)
        batch_hold(other, batch_retain(sources[i]));
    ck_assert_uint_lt(batch_bytes(batch), alone);
    batch_release(other);
    batch_release(batch);
    batch_release(NULL);
    ck_assert_str_eq(change_kind_text(CHANGE_UPDATE_BEFORE), "-U");
    ck_assert(change_is_retraction(CHANGE_DELETE) && !change_is_retraction(CHANGE_UPDATE_AFTER));
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_gather_holds);
    tcase_add_test(tests, test_append);
    tcase_add_test(tests, test_hold_many);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
