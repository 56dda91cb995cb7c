/* Encoded rows: random rows come back, and rows are equal exactly when their bytes are. */
#include <check.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/row.h"
#include "core/str.h"
#include "tests/random_rows.h"

#define ROWS 200

static void check_round_trip(Random *random, const Schema *schema, Arena *arena)
{
    const RowLayout *layout = row_layout_of_schema(arena, schema);
    Batch *batch = random_batch(random, schema, ROWS);
    const Vector **columns = arena_new_array(arena, const Vector *, schema->column_count);
    for (uint32_t c = 0; c < schema->column_count; c++)
        columns[c] = &batch->columns[c];
    uint32_t rows[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = random_below(random, ROWS);
    Str encoded[ROWS], picked[ROWS];
    row_encode(layout, columns, NULL, ROWS, arena, encoded);
    row_encode(layout, columns, rows, ROWS, arena, picked);
    Batch *back = batch_new(schema, ROWS);
    Vector **targets = arena_new_array(arena, Vector *, schema->column_count);
    for (uint32_t c = 0; c < schema->column_count; c++)
        targets[c] = &back->columns[c];
    for (uint32_t i = 0; i < ROWS; i++) {
        Buffer one = {0};
        row_encode_one(layout, columns, i, &one);
        ck_assert_uint_eq(one.length, encoded[i].length);
        ck_assert_mem_eq(one.data, encoded[i].data, one.length);
        buffer_deinit(&one);
        ck_assert_uint_eq(picked[i].length, encoded[rows[i]].length);
        ck_assert_mem_eq(picked[i].data, encoded[rows[i]].data, picked[i].length);
        row_decode(layout, encoded[i], targets, i, back->arena, i % 2 == 0);
        bool any_null = false;
        for (uint32_t c = 0; c < schema->column_count; c++) {
            ck_assert(vector_values_equal(targets[c], i, columns[c], i));
            ck_assert_int_eq(row_is_null(layout, encoded[i], c), vector_is_null(columns[c], i));
            any_null = any_null || vector_is_null(columns[c], i);
        }
        ck_assert_int_eq(row_has_null(layout, encoded[i]), any_null);
    }
    batch_release(back);
    batch_release(batch);
}

static void check_hashes(const RowLayout *layout, const Vector *const *columns, Arena *arena)
{
    Str encoded[ROWS];
    uint64_t hashes[ROWS];
    row_encode(layout, columns, NULL, ROWS, arena, encoded);
    row_hash(layout, columns, ROWS, arena, hashes);
    for (uint32_t i = 0; i < ROWS; i++)
        ck_assert_uint_eq(hashes[i], hash_bytes(encoded[i].data, encoded[i].length));
}

/* Hashes without encoding are those of the encoded rows: of whole rows, of each column alone, as it
 * is and when it is the same in all rows. */
START_TEST(test_hashes)
{
    Random random = random_seed("row hashes");
    Arena *arena = arena_new(0);
    const Schema *all = random_schema(arena, true);
    Batch *batch = random_batch(&random, all, ROWS);
    const Vector **columns = arena_new_array(arena, const Vector *, all->column_count);
    for (uint32_t c = 0; c < all->column_count; c++) {
        columns[c] = &batch->columns[c];
        const RowLayout *layout = row_layout_new(arena, &all->columns[c].type, 1);
        check_hashes(layout, &columns[c], arena);
        Vector constant = batch->columns[c];
        vector_make_constant(&constant, &batch->columns[c], 0, arena);
        const Vector *column = &constant;
        check_hashes(layout, &column, arena);
    }
    check_hashes(row_layout_of_schema(arena, all), columns, arena);
    batch_release(batch);
    arena_free(arena);
}
END_TEST

static void make_constant(Vector *vector, Arena *arena)
{
    Vector from = *vector;
    vector_make_constant(vector, &from, 3, arena);
}

/* The ways to hash what is a number, two, a number beside what all rows share, or texts. */
START_TEST(test_hashes_of_key_forms)
{
    enum { COLUMNS = 3 };
    static const char *const shared[] = {
        "", "abc", "day", "2015-07-15", "2015-07-15 12:00:00", "long: 12345678901234567890"};
    static const char *const texts[] = {
        "",
        "a",
        "exactly-12-b",
        "exactly-13-by",
        "a text behind its view",
        "a text that is longer than what there is room for at first, so long is it"};
    Random random = random_seed("key forms");
    Arena *arena = arena_new(0);
    Vector numbers[2], text, number;
    for (uint32_t round = 0; round < 200; round++) {
        for (uint32_t c = 0; c < 2; c++) {
            vector_init(&numbers[c], &type_bigint, ROWS, arena);
            for (uint32_t i = 0; i < ROWS; i++)
                ((int64_t *)numbers[c].data)[i] = random_integer(&random, 64);
        }
        vector_init(&text, &type_string, ROWS, arena);
        bool same = round % 3 != 0, few = random_below(&random, 2) == 0;
        uint32_t chosen = random_below(&random, array_count(shared));
        for (uint32_t i = 0; i < ROWS; i++) {
            const char *value =
                same ? shared[chosen] : texts[random_below(&random, array_count(texts) - few)];
            vector_set_str(&text, i, str_of(value), arena);
        }
        if (random_below(&random, 4) == 0)
            make_constant(&text, arena);
        if (random_below(&random, 8) == 0)
            vector_set_null(&text, 0, arena);
        vector_init(&number, &type_int, ROWS, arena);
        for (uint32_t i = 0; i < ROWS; i++)
            ((int32_t *)number.data)[i] = same ? 7 : (int32_t)random_below(&random, 100);
        if (random_below(&random, 4) == 0)
            make_constant(&numbers[1], arena);
        if (random_below(&random, 8) == 0)
            vector_set_null(&numbers[1], 0, arena);
        const Vector *all[] = {&numbers[0], &numbers[1], &text, &number};
        const Vector *columns[COLUMNS];
        const Type *types[COLUMNS];
        uint32_t count = 1 + random_below(&random, COLUMNS);
        for (uint32_t c = 0; c < count; c++) {
            columns[c] = all[random_below(&random, array_count(all))];
            types[c] = columns[c]->type;
        }
        check_hashes(row_layout_new(arena, types, count), columns, arena);
    }
    arena_free(arena);
}
END_TEST

START_TEST(test_round_trip)
{
    Random random = random_seed("row");
    Arena *arena = arena_new(0);
    check_round_trip(&random, random_schema(arena, true), arena);
    check_round_trip(&random, random_schema(arena, false), arena);
    arena_free(arena);
}
END_TEST

/* Single columns with many equal values: bytes equal if and only if values are. */
START_TEST(test_equality)
{
    Random random = random_seed("row equality");
    Arena *arena = arena_new(0);
    const Schema *all = random_schema(arena, true);
    for (uint32_t c = 0; c < all->column_count; c++) {
        const Schema *schema = schema_new(arena, &all->columns[c], 1);
        const RowLayout *layout = row_layout_of_schema(arena, schema);
        Batch *batch = random_batch(&random, schema, 60);
        const Vector *column = &batch->columns[0];
        Str encoded[60];
        row_encode(layout, &column, NULL, 60, arena, encoded);
        for (uint32_t i = 0; i < 60; i++)
            for (uint32_t j = 0; j < 60; j++) {
                bool same = encoded[i].length == encoded[j].length &&
                            memcmp(encoded[i].data, encoded[j].data, encoded[i].length) == 0;
                ck_assert_int_eq(same, vector_values_equal(column, i, column, j));
            }
        batch_release(batch);
    }
    arena_free(arena);
}
END_TEST

/* Texts that are the same in all rows, or NULL in all; numbers that are not, NULL in the first row
 * or in others. */
static void check_one_text(Random *random, const char *text, Arena *arena)
{
    enum { COLUMNS = 5 };
    const Type *types[COLUMNS] = {&type_bigint, &type_string, &type_boolean, &type_string,
                                  &type_double};
    const RowLayout *layout = row_layout_new(arena, types, COLUMNS);
    Vector vectors[COLUMNS];
    const Vector *columns[COLUMNS];
    for (uint32_t c = 0; c < COLUMNS; c++) {
        columns[c] = &vectors[c];
        if (c == 3)
            vector_init_constant(&vectors[c], types[c], arena);
        else
            vector_init(&vectors[c], types[c], ROWS, arena);
    }
    StringView view = string_view_copy(arena, text, strlen(text));
    for (uint32_t i = 0; i < ROWS; i++) {
        ((int64_t *)vectors[0].data)[i] = (int64_t)random_below(random, 1000);
        ((StringView *)vectors[1].data)[i] = view;
        ((uint8_t *)vectors[2].data)[i] = (uint8_t)random_below(random, 3);
        ((double *)vectors[4].data)[i] = random_below(random, 3) == 0 ? -0.0 : 1.5;
        for (uint32_t c = 0; c < COLUMNS; c += 2)
            if (i == 0 || random_below(random, 4) == 0)
                vector_set_null(&vectors[c], i, arena);
    }
    Str encoded[ROWS];
    row_encode(layout, columns, NULL, ROWS, arena, encoded);
    for (uint32_t i = 0; i < ROWS; i++) {
        Buffer one = {0};
        row_encode_one(layout, columns, i, &one);
        ck_assert_uint_eq(one.length, encoded[i].length);
        ck_assert_mem_eq(one.data, encoded[i].data, one.length);
        ck_assert(i == 0 || encoded[i].data == encoded[i - 1].data + encoded[i - 1].length);
        buffer_deinit(&one);
    }
    check_hashes(layout, columns, arena);
}

START_TEST(test_rows_of_one_text)
{
    Random random = random_seed("one text");
    Arena *arena = arena_new(0);
    check_one_text(&random, "", arena);
    check_one_text(&random, "abc", arena);
    check_one_text(&random, "2015-07-15", arena);
    check_one_text(&random, "a text that lies outside of its view", arena);
    arena_free(arena);
}
END_TEST

START_TEST(test_fixed_form)
{
    Arena *arena = arena_new(0);
    const Type *types[] = {&type_bigint};
    const RowLayout *layout = row_layout_new(arena, types, 1);
    ck_assert_uint_eq(row_layout_fixed_bytes(layout), 9);
    Vector vector;
    vector_init(&vector, &type_bigint, 2, arena);
    ((int64_t *)vector.data)[0] = 0x0102030405060708;
    vector_set_null(&vector, 1, arena);
    ((int64_t *)vector.data)[1] = 77; /* what lies under a NULL is not seen */
    const Vector *column = &vector;
    Str out[2];
    row_encode(layout, &column, NULL, 2, arena, out);
    ck_assert_mem_eq(out[0].data, "\0\x08\x07\x06\x05\x04\x03\x02\x01", 9);
    ck_assert_mem_eq(out[1].data, "\1\0\0\0\0\0\0\0\0", 9);
    ck_assert_ptr_eq(out[1].data, out[0].data + 9);
    arena_free(arena);
}
END_TEST

START_TEST(test_constant_and_unwanted_columns)
{
    Arena *arena = arena_new(0);
    const Type *types[] = {&type_string, &type_double, &type_string};
    const RowLayout *layout = row_layout_new(arena, types, 3);
    ck_assert_uint_eq(row_layout_fixed_bytes(layout), 0);
    Vector text, number, none;
    vector_init_constant(&text, &type_string, arena);
    vector_set_str(&text, 0, STR("a constant that is long"), arena);
    vector_init(&number, &type_double, 3, arena);
    for (int i = 0; i < 3; i++)
        ((double *)number.data)[i] = i == 1 ? -0.0 : i / 2.0;
    vector_init_constant(&none, &type_string, arena);
    const Vector *columns[] = {&text, &number, &none};
    Str out[3];
    row_encode(layout, columns, NULL, 3, arena, out);
    ck_assert_mem_eq(out[0].data, out[1].data, out[0].length);
    Vector back;
    vector_init(&back, &type_string, 1, arena);
    Vector *targets[] = {&back, NULL, NULL};
    row_decode(layout, out[2], targets, 0, arena, true);
    ck_assert(str_equal(vector_str(&back, 0), STR("a constant that is long")));
    ck_assert(row_is_null(layout, out[2], 2));
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("row");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_round_trip);
    tcase_add_test(tests, test_hashes);
    tcase_add_test(tests, test_hashes_of_key_forms);
    tcase_add_test(tests, test_equality);
    tcase_add_test(tests, test_rows_of_one_text);
    tcase_add_test(tests, test_fixed_form);
    tcase_add_test(tests, test_constant_and_unwanted_columns);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
