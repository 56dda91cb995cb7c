/* Vectors: views, NULLs, copying, gathering and comparing, over random values of every type. */
#include <check.h>
#include <stdlib.h>

#include "core/vector.h"
#include "tests/random_rows.h"

#define ROWS 300

START_TEST(test_string_views)
{
    Random random = random_seed("views");
    Arena *arena = arena_new(0);
    for (int round = 0; round < 5000; round++) {
        char texts[2][40];
        size_t lengths[2];
        for (int i = 0; i < 2; i++) {
            lengths[i] = random_below(&random, 30);
            for (size_t j = 0; j < lengths[i]; j++)
                texts[i][j] =
                    (char)(random_below(&random, 20) == 0 ? 200 : random_below(&random, 2));
        }
        StringView a = string_view_copy(arena, texts[0], lengths[0]);
        StringView b = string_view_borrow(texts[1], lengths[1]);
        size_t shorter = lengths[0] < lengths[1] ? lengths[0] : lengths[1];
        int order = memcmp(texts[0], texts[1], shorter);
        if (order == 0)
            order = (lengths[0] > lengths[1]) - (lengths[0] < lengths[1]);
        int got = string_view_compare(&a, &b);
        ck_assert_int_eq((order > 0) - (order < 0), got);
        ck_assert_int_eq(string_view_equal(&a, &b), order == 0);
    }
    arena_free(arena);
}
END_TEST

START_TEST(test_nulls)
{
    Arena *arena = arena_new(0);
    Vector vector;
    vector_init(&vector, &type_int, 200, arena);
    ck_assert(!vector_is_null(&vector, 7));
    ck_assert_uint_eq(vector_count_nulls(&vector, 200), 0);
    for (uint32_t i = 0; i < 200; i += 3)
        vector_set_null(&vector, i, arena);
    for (uint32_t rows = 0; rows <= 200; rows++)
        ck_assert_uint_eq(vector_count_nulls(&vector, rows), (rows + 2) / 3);
    vector_set_valid(&vector, 3);
    ck_assert(!vector_is_null(&vector, 3));
    vector_init_constant(&vector, &type_string, arena);
    ck_assert(vector_is_null(&vector, 12345));
    ck_assert_uint_eq(vector_count_nulls(&vector, 9), 9);
    arena_free(arena);
}
END_TEST

/* Gathered, copied and value-by-value copied rows all equal their source. */
START_TEST(test_gather_and_copy)
{
    Random random = random_seed("gather");
    Arena *arena = arena_new(0);
    const Schema *schema = random_schema(arena, true);
    Batch *batch = random_batch(&random, schema, ROWS);
    uint32_t rows[ROWS * 2];
    for (uint32_t i = 0; i < array_count(rows); i++)
        rows[i] = random_below(&random, ROWS);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const Vector *source = &batch->columns[c];
        Vector gathered, copied, constant, again;
        vector_gather(&gathered, source, rows, array_count(rows), arena);
        vector_copy(&copied, source, ROWS, arena);
        vector_make_constant(&constant, source, 5, arena);
        vector_gather(&again, &constant, rows, array_count(rows), arena);
        for (uint32_t i = 0; i < array_count(rows); i++) {
            ck_assert(vector_values_equal(&gathered, i, source, rows[i]));
            ck_assert(vector_values_equal(&again, i, source, 5));
        }
        for (uint32_t i = 0; i < ROWS; i++)
            ck_assert(vector_values_equal(&copied, i, source, i));
        /* Appending to a gathered list must not write into its source. */
        if (source->type->physical == PHYSICAL_LIST) {
            vector_copy_value(&gathered, 0, source, 1, arena, true);
            vector_copy_value(&gathered, 1, source, 2, arena, false);
            for (uint32_t i = 2; i < array_count(rows); i++)
                ck_assert(vector_values_equal(&gathered, i, source, rows[i]));
            for (uint32_t i = 0; i < ROWS; i++)
                ck_assert(vector_values_equal(&copied, i, source, i));
        }
    }
    batch_release(batch);
    arena_free(arena);
}
END_TEST

START_TEST(test_order_is_total)
{
    Random random = random_seed("order");
    Arena *arena = arena_new(0);
    const Schema *schema = random_schema(arena, true);
    Batch *batch = random_batch(&random, schema, 40);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const Vector *v = &batch->columns[c];
        for (uint32_t i = 0; i < 40; i++)
            for (uint32_t j = 0; j < 40; j++) {
                int ij = vector_values_compare(v, i, v, j);
                ck_assert_int_eq(ij, -vector_values_compare(v, j, v, i));
                ck_assert_int_eq(ij == 0, vector_values_equal(v, i, v, j));
                for (uint32_t k = 0; ij <= 0 && k < 40; k++)
                    if (vector_values_compare(v, j, v, k) <= 0)
                        ck_assert_int_le(vector_values_compare(v, i, v, k), 0);
            }
    }
    batch_release(batch);
    arena_free(arena);
}
END_TEST

START_TEST(test_map_order_is_not_seen)
{
    Arena *arena = arena_new(0);
    const Type *map = type_new_nested(arena, TYPE_MAP, true,
                                      (TypeField[]){{NULL, &type_int}, {NULL, &type_int}}, 2);
    Vector vector;
    vector_init(&vector, map, 2, arena);
    int32_t keys[2][3] = {{1, 2, 3}, {3, 1, 2}};
    for (uint32_t row = 0; row < 2; row++) {
        uint32_t offset = vector_list_append(&vector, row, 3, arena);
        for (uint32_t i = 0; i < 3; i++) {
            ((int32_t *)vector.children[0].data)[offset + i] = keys[row][i];
            ((int32_t *)vector.children[1].data)[offset + i] = keys[row][i] * 10;
        }
    }
    ck_assert(vector_values_equal(&vector, 0, &vector, 1));
    ((int32_t *)vector.children[1].data)[5] = 0;
    ck_assert(!vector_values_equal(&vector, 0, &vector, 1));
    arena_free(arena);
}
END_TEST

START_TEST(test_uniform_columns)
{
    Arena *arena = arena_new(4096);
    static const Type *const types[] = {&type_boolean, &type_int, &type_bigint, &type_string};
    for (uint32_t t = 0; t < array_count(types); t++) {
        Vector vector;
        vector_init(&vector, types[t], 100, arena);
        for (uint32_t row = 0; row < 100; row++) {
            if (types[t] == &type_string)
                vector_set_str(&vector, row, STR("of one kind"), arena);
            else
                memset((char *)vector.data + row * physical_size(types[t]->physical), 1,
                       physical_size(types[t]->physical));
        }
        ck_assert(vector_is_uniform(&vector, 100));
        ck_assert(vector_is_uniform(&vector, 1));
        memset((char *)vector.data + 57 * physical_size(types[t]->physical), 0,
               physical_size(types[t]->physical));
        ck_assert(vector_is_uniform(&vector, 57));
        ck_assert(!vector_is_uniform(&vector, 58));
        vector_set_null(&vector, 3, arena);
        ck_assert(!vector_is_uniform(&vector, 57));
    }
    arena_free(arena);
}
END_TEST

/* Values one after the other in one place: each is what it would be in a place of its own, and the
 * elements of all of them lie in the room of the largest. */
START_TEST(test_lists_are_cleared)
{
    Arena *arena = arena_new(0), *each = arena_new(1 << 14), *kept = arena_new(0);
    Random random = random_seed("cleared lists");
    const Schema *schema = random_schema(arena, true);
    size_t bytes = 0;
    for (uint32_t c = schema->column_count - 4; c < schema->column_count; c++) {
        Vector place, other;
        vector_init(&place, schema->columns[c].type, 1, kept);
        for (uint32_t round = 0; round < 4000; round++) {
            bytes = round == 2000 ? arena_bytes(kept) : bytes;
            arena_reset(each);
            vector_init(&other, schema->columns[c].type, 1, each);
            random_value(&random, &other, 0, each);
            vector_clear_lists(&place);
            vector_copy_value(&place, 0, &other, 0, kept, true);
            ck_assert(vector_values_equal(&place, 0, &other, 0));
        }
        ck_assert_uint_le(arena_bytes(kept), bytes + 4096);
    }
    arena_free(kept);
    arena_free(each);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vector");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_string_views);
    tcase_add_test(tests, test_nulls);
    tcase_add_test(tests, test_gather_and_copy);
    tcase_add_test(tests, test_order_is_total);
    tcase_add_test(tests, test_map_order_is_not_seen);
    tcase_add_test(tests, test_uniform_columns);
    tcase_add_test(tests, test_lists_are_cleared);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
