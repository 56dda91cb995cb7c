/* The json format: objects however they are divided, exact numbers, nesting, errors, round trips.
 */
#include "formats/json_scan.h"
#include "tests/format_testing.h"

static Arena *arena;
static const Schema *people; /* id BIGINT, name STRING, score DECIMAL(20, 4) */

static void set_up(void)
{
    arena = arena_new(0);
    const Column columns[] = {{"id", &type_bigint},
                              {"name", &type_string},
                              {"score", type_new(arena, TYPE_DECIMAL, true, 20, 4)}};
    people = schema_new(arena, columns, 3);
}

static void tear_down(void)
{
    arena_free(arena);
}

START_TEST(test_records)
{
    FormatTest test = format_test(&format_json, people);
    const char *wanted = "+I[1, Ann, 2.5000]\n+I[2, NULL, NULL]\n";
    format_check(&test, "{\"id\":1,\"name\":\"Ann\",\"score\":2.5}\n{\"id\":2}\n", wanted);
    format_check(&test, "{\"id\":1,\"name\":\"Ann\",\"score\":2.5}\r\n{\"id\":2}\r\n", wanted);
    format_check(&test, "{\"id\":1,\"name\":\"Ann\",\"score\":2.5}\n{\"id\":2}", wanted);
    format_check(&test, "{\"id\":1,\"name\":\"Ann\",\"score\":2.5}{\"id\":2}", wanted);
    format_check(&test, "{\"id\":1,\"name\":\"Ann\",\"score\":2.5} {\"id\":2}\n", wanted);
    format_check(
        &test,
        "\xEF\xBB\xBF\n\n { \"id\" : 1 ,\n \"name\":\"Ann\",\n\"score\" : 2.5\n}\n\n{\n\"id\":2}\n",
        wanted);
    format_check(&test,
                 "{\"x\":{\"y\":1}\n,\"id\":1,\"name\":\"Ann\",\"score\":2.5}\nnull\n{\"id\":2}",
                 wanted);
    format_check(&test,
                 "{\"score\":2.5,\"zz\":[1,{\"id\":9}],\"name\":\"Ann\",\"id\":1,\"q\":\"}\"}\n{"
                 "\"id\":2,\"name\":null}",
                 wanted);
    format_check(&test, "{\"id\":7,\"id\":1,\"name\":\"Ann\",\"score\":2.5}\n{\"i\\u0064\":2}",
                 wanted);
    format_check(&test, "", "");
    format_check(&test, "{}", "+I[NULL, NULL, NULL]\n");
}
END_TEST

START_TEST(test_values)
{
    FormatTest test = format_test(&format_json, people);
    format_check(
        &test,
        "{\"id\":9223372036854775807,\"name\":\"\\u00e9\\n\\\"\",\"score\":1234567890123456.7891}\n"
        "{\"id\":-9223372036854775808,\"name\":12.50,\"score\":\"3.25\"}\n"
        "{\"id\":\"42\",\"name\":{\"a\": [1, 2]},\"score\":1e-3}\n"
        "{\"id\":1.9,\"name\":true,\"score\":-0}\n"
        "{\"id\":1.5e3,\"name\":\"\",\"score\":null}\n",
        "+I[9223372036854775807, '\xC3\xA9\n\"', 1234567890123456.7891]\n"
        "+I[-9223372036854775808, 12.50, 3.2500]\n"
        "+I[42, '{\"a\": [1, 2]}', 0.0010]\n"
        "+I[1, true, 0.0000]\n"
        "+I[1500, '', NULL]\n");
    const Column columns[] = {{"d", &type_double},
                              {"b", &type_boolean},
                              {"t", &type_timestamp_3},
                              {"z", &type_timestamp_ltz_3},
                              {"y", &type_bytes}};
    FormatTest other = format_test(&format_json, schema_new(arena, columns, 5));
    format_check(&other,
                 "{\"d\":\"NaN\",\"b\":\"TRUE\",\"t\":\"2024-01-02 03:04:05\",\"z\":\"2024-01-02 "
                 "03:04:05.5Z\",\"y\":\"AAE=\"}",
                 "+I[NaN, TRUE, 2024-01-02 03:04:05.000, 2024-01-02 03:04:05.500, x'0001']\n");
    format_check(&other, "{\"t\":\"2024-01-02T03:04:05\"}",
                 "ERROR: column \"t\": cannot read \"2024-01-02T03:04:05\" as TIMESTAMP(3): a "
                 "\"T\" between date and time\nPLACE: file:1\nHINT: Set the option");
    format_option(&other, "json.timestamp-format.standard", "ISO-8601");
    format_check(&other, "{\"t\":\"2024-01-02T03:04:05\",\"z\":\"2024-01-02T03:04:05+01:00\"}",
                 "+I[NULL, NULL, 2024-01-02 03:04:05.000, 2024-01-02 02:04:05.000, NULL]\n");
}
END_TEST

START_TEST(test_nested)
{
    const Type *list =
        type_new_nested(arena, TYPE_ARRAY, true, &(TypeField){NULL, &type_string}, 1);
    const Type *map = type_new_nested(arena, TYPE_MAP, true,
                                      (TypeField[]){{NULL, &type_string}, {NULL, list}}, 2);
    const Type *row =
        type_new_nested(arena, TYPE_ROW, true, (TypeField[]){{"x", &type_int}, {"m", map}}, 2);
    const Type *rows = type_new_nested(arena, TYPE_ARRAY, true, &(TypeField){NULL, row}, 1);
    const Column columns[] = {{"r", rows}, {"n", &type_int}};
    FormatTest test = format_test(&format_json, schema_new(arena, columns, 2));
    format_check(&test,
                 "{\"r\":[{\"x\":1,\"m\":{\"k\":[\"a\",null],\"l\":[]}},null,{\"y\":0}],\"n\":5}",
                 "+I[[(1, {k=[a, NULL], l=[]}), NULL, (NULL, NULL)], 5]\n");
    format_check(&test, "{\"r\":{}}", "ERROR: column \"r\": cannot read JSON object as ARRAY<");
    format_check(&test, "{\"r\":[{\"x\":\"q\"}]}",
                 "ERROR: column \"r\": field \"x\": cannot read \"q\" as INT\nPLACE: file:1");
    const Type *bad = type_new_nested(arena, TYPE_MAP, true,
                                      (TypeField[]){{NULL, &type_int}, {NULL, &type_int}}, 2);
    FormatTest refused = format_test(&format_json, schema_new(arena, &(Column){"m", bad}, 1));
    format_check(&refused, "",
                 "ERROR: format \"json\" cannot hold column \"m\" of type MAP<INT, INT>");
}
END_TEST

START_TEST(test_errors)
{
    FormatTest test = format_test(&format_json, people);
    format_check(&test, "{\"id\":1}\n{\"id\":\"x\"}\n",
                 "ERROR: column \"id\": cannot read \"x\" as BIGINT\nPLACE: file:2");
    format_check(&test, "{\"id\":1}\n\n{\"id\":true}\n",
                 "ERROR: column \"id\": cannot read JSON boolean as BIGINT\nPLACE: file:3");
    format_check(&test, "{\"id\":01}\n",
                 "ERROR: column \"id\": \"01\" is no JSON number\nPLACE: file:1");
    format_check(&test, "{\"id\":9223372036854775808}\n",
                 "ERROR: column \"id\": cannot read \"9223372036854775808\" as BIGINT");
    format_check(&test, "[1]\n",
                 "ERROR: malformed JSON: record does not start with \"{\"\nPLACE: file:1");
    format_check(&test, "{\"id\":1}\n{\"id\": 2,, \"name\":3}\n", "ERROR: malformed JSON: ");
    format_check(&test, "{\"id\":1",
                 "ERROR: malformed JSON: the object is not closed\nPLACE: file:1");
    format_check(&test, "{\"id\":[1\n{\"id\":1}\n",
                 "ERROR: malformed JSON: brackets or quotes do not match\nPLACE: file:1");
    format_check(&test, "{\"name\":\"a\n\"}\n", "ERROR: malformed JSON: ");
    format_check(&test, "{\"name\":\"\xFF\"}\n", "ERROR: malformed JSON: ");
    format_check(&test, "{\"id\":1}}\n", "ERROR: malformed JSON: record does not start with \"{\"");
    format_check(&test, "{\"name\":\"\\ud800\"}\n", "ERROR: malformed JSON: ");
    format_option(&test, "json.ignore-parse-errors", "true");
    format_check(&test,
                 "{\"id\":1}\nnonsense\n{\"id\":\"x\"}\n{\"id\":2}\n{\"id\":[3\n{\"id\":4}\n{"
                 "\"id\":\"5\n{\"id\":6}{\"id\":\"y\"}{\"id\":7}\n",
                 "+I[1, NULL, NULL]\n+I[2, NULL, NULL]\n+I[4, NULL, NULL]\n+I[6, NULL, "
                 "NULL]\n+I[7, NULL, NULL]\n");
    FormatTest missing = format_test(&format_json, people);
    format_option(&missing, "json.fail-on-missing-field", "true");
    format_check(&missing, "{\"id\":1,\"name\":\"a\",\"score\":null}\n{\"id\":1,\"name\":\"b\"}",
                 "ERROR: field \"score\" is missing\nPLACE: file:2");
    format_option(&missing, "json.ignore-parse-errors", "true");
    format_check(&missing, "", "ERROR: options \"json.fail-on-missing-field\"");
    const Column columns[] = {{"id", type_new(arena, TYPE_INT, false, 0, 0)}};
    FormatTest strict = format_test(&format_json, schema_new(arena, columns, 1));
    format_check(
        &strict, "{\"x\":1}",
        "ERROR: column \"id\": the type is NOT NULL, but the field is missing\nPLACE: file:1");
}
END_TEST

START_TEST(test_round_trip)
{
    Random random = random_seed("json");
    const Schema *all = random_schema(arena, true);
    Column *columns = arena_new_array(arena, Column, all->column_count);
    uint32_t count = 0;
    for (uint32_t c = 0; c < all->column_count; c++)
        if (all->columns[c].type->kind != TYPE_MAP) /* its keys are not strings */
            columns[count++] = all->columns[c];
    for (uint32_t c = 0; c < count; c++)
        if (columns[c].type->kind == TYPE_ROW)
            columns[c].type = type_new_nested(
                arena, TYPE_ROW, true,
                (TypeField[]){{"\"q\\", &type_double}, {"l", columns[count - 4].type}}, 2);
    columns[count - 1].type =
        type_new_nested(arena, TYPE_ARRAY, true, &(TypeField){NULL, columns[count - 2].type}, 1);
    const Schema *schema = schema_new(arena, columns, count);
    for (int round = 0; round < 4; round++) {
        FormatTest test = format_test(&format_json, schema);
        if (round % 2 == 1) {
            format_option(&test, "json.timestamp-format.standard", "ISO-8601");
            format_option(&test, "json.encode.ignore-null-fields", "true");
            format_option(&test, "json.encode.decimal-as-plain-number", "true");
        }
        Batch *batch = random_batch(&random, schema, 300);
        format_round_trip(&test, batch, &random);
        batch_release(batch);
    }
}
END_TEST

static void check_map(const char *mode, const char *wanted)
{
    const Type *map = type_new_nested(arena, TYPE_MAP, true,
                                      (TypeField[]){{NULL, &type_string}, {NULL, &type_int}}, 2);
    FormatTest test = format_test(&format_json, schema_new(arena, &(Column){"m", map}, 1));
    if (mode != NULL)
        format_option(&test, "json.map-null-key.mode", mode);
    format_option(&test, "json.map-null-key.literal", "none");
    Batch *batch = batch_new(test.schema, 1);
    Error error = {0};
    ck_assert(changelog_read_row(batch, STR("[{a=1, NULL=2}]"), NULL, &error));
    Buffer out = {0};
    if (!format_encode(&test, batch, &out, &error))
        buffer_append_text(&out, error.message);
    ck_assert_str_eq(buffer_text(&out), wanted);
    buffer_deinit(&out);
    batch_release(batch);
}

START_TEST(test_map_keys)
{
    check_map(NULL, "{\"m\":{\"a\":1column \"m\": cannot write a MAP with a NULL key as JSON");
    check_map("DROP", "{\"m\":{\"a\":1}}\n");
    check_map("LITERAL", "{\"m\":{\"a\":1,\"none\":2}}\n");
}
END_TEST

/* More than a window and more than a batch. */
START_TEST(test_large)
{
    FormatTest test = format_test(&format_json, people);
    Buffer input = {0}, wanted = {0};
    for (int i = 0; i < 9000; i++) {
        buffer_printf(
            &input,
            "{\"id\":%d,\"name\":\"name number %d with some more text\",\"pad\":\"%0*d\"}\n", i, i,
            i % 100, i);
        buffer_printf(&wanted, "+I[%d, name number %d with some more text, NULL]\n", i, i);
    }
    Random random = {1};
    FormatRun run = format_decode(&test, (Str){input.data, input.length}, 100000, &random);
    ck_assert_str_eq(buffer_text(&run.out), buffer_text(&wanted));
    ck_assert_uint_eq(run.lines, 9000);
    buffer_deinit(&run.out);
    buffer_deinit(&wanted);
    buffer_deinit(&input);
}
END_TEST

START_TEST(test_scan)
{
    Random random = random_seed("json scan");
    const JsonScan scans[] = {json_scan_choose(), json_scan_portable};
    for (int round = 0; round < 20000; round++) {
        char data[2 * JSON_BLOCK_BYTES];
        uint64_t wanted[2] = {0};
        bool ascii = true;
        for (size_t i = 0; i < sizeof(data); i++) {
            data[i] = (char)(random_next(&random) & (round % 2 == 0 ? 0x7F : 0xFF));
            if (random_below(&random, 4) == 0)
                data[i] = "\"\\\x1F !\n"[random_below(&random, 6)];
            bool found = data[i] == '"' || data[i] == '\\' || (uint8_t)data[i] < ' ';
            wanted[i / JSON_BLOCK_BYTES] |= (uint64_t)found << (i % JSON_BLOCK_BYTES);
            ascii = ascii && (data[i] & 0x80) == 0;
        }
        for (size_t i = 0; i < array_count(scans); i++) {
            uint64_t got[2];
            ck_assert(scans[i](data, 2, got) == ascii);
            ck_assert_mem_eq(got, wanted, sizeof(wanted));
        }
    }
}
END_TEST

/* Values that fields may have; mostly what is usual. */
static const char *const usual[][8] = {
    {"1", "-7", "12345678", "123456789", "2147483647", "0", "42", "-2147483648"},
    {"\"\"", "\"a\"", "\"twelve bytes\"", "\"thirteen byte\"", "\"a \\\"quoted\\\" word\"",
     "\"longer than a view \\\\ \\/\\n\"", "\"Ann\"", "\"four\""},
    {"1234567890123456", "12345678901234567", "-9223372036854775808", "7", "99999999",
     "123456789012345678", "10", "-1"},
    {"\"2024-02-29 23:59:59.123\"", "\"1999-12-31 00:00:00\"", "\"1960-01-01 00:00:00.999999\"",
     "\"9999-12-31 23:59:59.999\"", "null", "\"2024-01-02 03:04:05.600\"",
     "\"2000-02-29 00:00:00.000\"", "\"0001-01-01 12:34:56.789\""},
    {"true", "false", "null", "true", "false", "true", "false", "true"},
    {"1.5", "-2e3", "0", "1E-2", "123", "null", "0.25", "-0.0"},
};
static const char *const odd[] = {"null",
                                  "01",
                                  "+5",
                                  "1.",
                                  "1.5",
                                  "2147483648",
                                  "-",
                                  "1e3",
                                  "\"3\"",
                                  "truer",
                                  "nul",
                                  "{\"x\":1}",
                                  "[1,{\"y\":[]}]",
                                  "\"\\u00e9\"",
                                  "\"\\ud83d\\ude00\"",
                                  "\"\\ud83d\"",
                                  "\"\\x\"",
                                  "\"a\tb\"",
                                  "\"\xC3\xA9\"",
                                  "\"\xFF\"",
                                  "\"unclosed",
                                  "92233720368547758080",
                                  "\"2024-02-30 00:00:00\"",
                                  "\"2024-02-29T23:59:59.123\"",
                                  "\"9999-99-99\"",
                                  "\"}\"",
                                  "\"\\\"",
                                  "",
                                  "false ",
                                  "1 ",
                                  "\"a text with \xE2\x82\xAC that is longer than a view\""};

/* Between a key and its value. */
static const char *const spaces[] = {"", " ", "\n"};

static const char *const names[] = {"id", "name", "big", "at", "flag", "score"};

static void random_record(Random *random, uint32_t oddness, const char *space, Buffer *text)
{
    uint32_t shift = random_below(random, oddness * 20) == 0 ? random_below(random, 6) : 0;
    uint32_t count = random_below(random, oddness * 20) == 0 ? random_below(random, 9) : 6;
    buffer_append_text(text, "{");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t field = (i + shift) % 6;
        bool is_odd = random_below(random, oddness * 6) == 0;
        buffer_printf(text, "%s\"%s\":%s%s", i == 0 ? "" : ",", names[field], space,
                      is_odd ? odd[random_below(random, array_count(odd))]
                             : usual[field][random_below(random, 8)]);
    }
    if (random_below(random, oddness * 100) == 0) {
        buffer_append_text(text, ",\"more\":\"");
        for (uint32_t i = random_below(random, 20000); i != 0; i--)
            buffer_append_char(text, 'x');
        buffer_append_text(text, "\"");
    }
    buffer_append_text(text, "}");
}

/* Records that look alike, and the same each on its own: a space behind them asks for that. */
START_TEST(test_alike)
{
    const Column columns[] = {{"id", &type_int},       {"name", &type_string},
                              {"big", &type_bigint},   {"at", &type_timestamp_3},
                              {"flag", &type_boolean}, {"score", &type_double}};
    const Column wanted[] = {columns[3], {"none", &type_string}, columns[0], columns[1]};
    Random random = random_seed("json alike");
    for (int round = 0; round < 400; round++) {
        FormatTest test = format_test(&format_json, round % 3 == 0 ? schema_new(arena, wanted, 4)
                                                                   : schema_new(arena, columns, 6));
        if (round % 8 != 0)
            format_option(&test, "json.ignore-parse-errors", "true");
        Buffer alike = {0}, each = {0};
        uint32_t oddness = 1 + random_below(&random, 200), rows = random_below(&random, 600);
        for (uint32_t row = 0; row < rows; row++) {
            size_t start = alike.length;
            random_record(&random, oddness, spaces[round / 8 % 3], &alike);
            buffer_append(&each, alike.data + start, alike.length - start);
            buffer_append_text(&alike, round % 4 == 0 ? "\r\n" : "\n");
            buffer_append_text(&each, " \n");
        }
        FormatRun slow = format_decode(&test, (Str){each.data, each.length}, SIZE_MAX, &random);
        format_check_ways(&test, (Str){alike.data, alike.length}, &slow, &random);
        buffer_deinit(&slow.out);
        buffer_deinit(&alike);
        buffer_deinit(&each);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_records);
    tcase_add_test(tests, test_values);
    tcase_add_test(tests, test_nested);
    tcase_add_test(tests, test_errors);
    tcase_add_test(tests, test_round_trip);
    tcase_add_test(tests, test_map_keys);
    tcase_add_test(tests, test_large);
    tcase_add_test(tests, test_scan);
    tcase_add_test(tests, test_alike);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
