/* The csv format: RFC 4180, files made by hand, each option, errors with their place, round trips.
 */
#include "formats/csv_scan.h"
#include "tests/format_testing.h"

static Arena *arena;
static const Schema *people; /* id INT, name STRING, score DECIMAL(6, 2) */
static const Schema *texts;  /* a STRING, b STRING */

static void set_up(void)
{
    arena = arena_new(0);
    const Column columns[] = {{"id", &type_int},
                              {"name", &type_string},
                              {"score", type_new(arena, TYPE_DECIMAL, true, 6, 2)}};
    people = schema_new(arena, columns, 3);
    const Column two[] = {{"a", &type_string}, {"b", &type_string}};
    texts = schema_new(arena, two, 2);
}

static void tear_down(void)
{
    arena_free(arena);
}

START_TEST(test_plain)
{
    FormatTest test = format_test(&format_csv, people);
    format_check(&test, "1,Ann,2.5\n2,Bob,-3\n", "+I[1, Ann, 2.50]\n+I[2, Bob, -3.00]\n");
    format_check(&test, "1,Ann,2.5\r\n2,Bob,3\r\n", "+I[1, Ann, 2.50]\n+I[2, Bob, 3.00]\n");
    format_check(&test, "1,Ann,2.5", "+I[1, Ann, 2.50]\n");
    format_check(&test,
                 "\xEF\xBB\xBF"
                 "1,Ann,2.5\n\n\n",
                 "+I[1, Ann, 2.50]\n");
    format_check(&test, ",,\n", "+I[NULL, '', NULL]\n");
    format_check(&test, "1,\"A, \"\"B\"\"\nC\",\"2.5\"\n", "+I[1, 'A, \"B\"\nC', 2.50]\n");
    format_check(&test, "1,A \"quoted\" word,2\n", "+I[1, A \"quoted\" word, 2.00]\n");
    format_check(&test, "1,Ann,2.5,\n", "+I[1, Ann, 2.50]\n");
    format_check(&test, "1,Ann\n", "+I[1, Ann, NULL]\n");
    format_check(&test, "", "");
    format_check(&test, "\xEF\xBB\xBF", "");
    format_check(&test, "7,\"\"", "+I[7, '', NULL]\n");
}
END_TEST

START_TEST(test_errors)
{
    FormatTest test = format_test(&format_csv, people);
    format_check(&test, "1,a,1\nx,b,2\n",
                 "ERROR: column \"id\": cannot read \"x\" as INT\nPLACE: file:2");
    format_check(&test, "1,\"a\nb\",1\n\n2,c,12345.678\n",
                 "ERROR: column \"score\": cannot read \"12345.678\" as DECIMAL(6, 2)\nPLACE: "
                 "file:4");
    format_check(&test, "1,a,1,9\n", "ERROR: row has 4 fields instead of 3\nPLACE: file:1");
    format_check(&test, "1,\"a\"b,1\n",
                 "ERROR: malformed csv row: text follows a closing quote\nPLACE: file:1");
    format_check(&test, "1,a,1\n2,\"b,2\n3,c,3\n",
                 "ERROR: malformed csv row: quote is not closed\nPLACE: file:2");
    format_check(
        &test, "1,\xFF,1\n",
        "ERROR: column \"name\": cannot read \"\\xff\" as STRING: invalid UTF-8\nPLACE: file:1");
    const Column columns[] = {{"id", type_new(arena, TYPE_INT, false, 0, 0)}, {"b", &type_string}};
    FormatTest strict = format_test(&format_csv, schema_new(arena, columns, 2));
    format_check(&strict, ",x\n",
                 "ERROR: column \"id\" is NOT NULL, but the field is empty\nPLACE: file:1");
    format_option(&test, "csv.ignore-parse-errors", "true");
    format_check(&test, "1,a,1\nx,b,2\n3,\"c\"d,3\n4,e,5,6\n5,f,5\n",
                 "+I[1, a, 1.00]\n+I[5, f, 5.00]\n");
    Random random = {1};
    FormatRun run = format_decode(&test, STR("x,b,2\n\"c\"d\n5,f,5\n\"6"), 3, &random);
    ck_assert_uint_eq(run.skipped, 3);
    ck_assert_uint_eq(run.lines, 3);
    buffer_deinit(&run.out);
}
END_TEST

START_TEST(test_options)
{
    FormatTest test = format_test(&format_csv, texts);
    format_option(&test, "csv.field-delimiter", "\\t");
    format_option(&test, "csv.quote-character", "'");
    format_option(&test, "csv.escape-character", "\\");
    format_check(&test, "a\tb\n'x\ty'\t'it''s'\np\\\tq\tr\\\ns\n'\\''\t\\\\\n",
                 "+I[a, b]\n+I[x\ty, 'it''s']\n+I[p\tq, 'r\ns']\n+I['''', \\]\n");

    test = format_test(&format_csv, texts);
    format_option(&test, "csv.disable-quote-character", "true");
    format_option(&test, "csv.null-literal", "n/a");
    format_option(&test, "csv.allow-comments", "true");
    format_check(&test, "# head, er\n\"a,n/a\n#x\nn/a,b\"\n", "+I[\"a, NULL]\n+I[NULL, b\"]\n");

    test = format_test(&format_csv, texts);
    format_option(&test, "csv.null-literal", "NULL");
    format_option(&test, "csv.trim-spaces", "true");
    format_check(&test, " a , \"b \" \nNULL,\"NULL\"\n", "+I[a, 'b ']\n+I[NULL, 'NULL']\n");

    test = format_test(&format_csv, texts);
    format_option(&test, "csv.empty-string-as-null", "true");
    format_option(&test, "csv.ignore-trailing-unmappable", "true");
    format_option(&test, "csv.fail-on-missing-columns", "true");
    format_check(&test, ",\"\"\na,b,c,d\n", "+I[NULL, NULL]\n+I[a, b]\n");
    format_check(&test, "a\n", "ERROR: row has 1 fields instead of 2\nPLACE: file:1");

    test = format_test(&format_csv, texts);
    format_option(&test, "csv.allow-trailing-comma", "false");
    format_check(&test, "a,b,\n", "ERROR: row has 3 fields instead of 2\nPLACE: file:1");

    static const char *const bad[][2] = {{"csv.field-delimiter", "ab"},
                                         {"csv.field-delimiter", "\n"},
                                         {"csv.field-delimiter", "\xC3\xA9"},
                                         {"csv.field-delimiter", "\""},
                                         {"csv.quote-character", ""},
                                         {"csv.escape-character", ","},
                                         {"csv.header", "maybe"}};
    for (size_t i = 0; i < array_count(bad); i++) {
        test = format_test(&format_csv, texts);
        format_option(&test, bad[i][0], bad[i][1]);
        format_check(&test, "a,b\n", "ERROR: ");
    }
}
END_TEST

START_TEST(test_header)
{
    FormatTest test = format_test(&format_csv, people);
    format_option(&test, "csv.header", "true");
    format_check(&test, "name,extra,score,id\nAnn,x,2.5,1\nBob,y,3,2\n",
                 "+I[1, Ann, 2.50]\n+I[2, Bob, 3.00]\n");
    format_check(&test, "\xEF\xBB\xBF\"id\", name ,score\r\n1,Ann,2\r\n", "+I[1, Ann, 2.00]\n");
    format_check(&test, "id,name\n1,Ann\n",
                 "ERROR: csv header has no column \"score\"\nPLACE: file:1\nDETAIL: The header "
                 "names: id, name.");
    format_check(&test, "id,name,score\n", "");
    format_check(&test, "", "");
    format_check(&test, "id,name,score\n1,Ann,2,3\n",
                 "ERROR: row has 4 fields instead of 3\nPLACE: file:2");
    /* A decoder that goes on in the middle of a file is given the head first. */
    const Options options = {test.option_count, test.options};
    const FormatContext context = {.schema = people, .options = &options, .name = "file"};
    Error error;
    Decoder *decoder = format_csv.decoder_open(&context, &error);
    Batch *batch = batch_new(people, BATCH_ROWS_MAX);
    DecodeResult result;
    ck_assert(!format_csv.decode(decoder, STR("a,b,c\n"), true, 5, batch, &result, &error));
    bool read = true;
    ck_assert(format_csv.decode_head(decoder, STR("name,id,sc"), false, &read, &error) && !read);
    ck_assert(format_csv.decode_head(decoder, STR("name,id,score\nx"), false, &read, &error) &&
              read);
    ck_assert(format_csv.decode(decoder, STR("Ann,7,1\n"), true, 5, batch, &result, &error));
    ck_assert_int_eq(((const int32_t *)batch->columns[0].data)[0], 7);
    batch_release(batch);
    format_csv.decoder_close(decoder);
    /* Without a header nothing is waited for. */
    const Options none = {0};
    const FormatContext plain = {.schema = people, .options = &none, .name = "file"};
    decoder = format_csv.decoder_open(&plain, &error);
    ck_assert(format_csv.decode_head(decoder, STR("1,Ann"), false, &read, &error) && read);
    format_csv.decoder_close(decoder);
}
END_TEST

START_TEST(test_pruned)
{
    const Column wanted[] = {people->columns[2], people->columns[0]};
    const uint32_t positions[] = {2, 0};
    FormatTest test = format_test(&format_csv, schema_new(arena, wanted, 2));
    test.file_schema = people;
    test.file_columns = positions;
    format_check(&test, "1,Ann,2.5\n2,\xFF,3\n", "+I[2.50, 1]\n+I[3.00, 2]\n");
    FormatTest none = format_test(&format_csv, schema_new(arena, NULL, 0));
    none.file_schema = people;
    none.file_columns = positions;
    format_check(&none, "1,Ann,2.5\n2,b,3\n", "+I[]\n+I[]\n");
}
END_TEST

START_TEST(test_types)
{
    const Type *list = type_new_nested(arena, TYPE_ARRAY, true, &(TypeField){NULL, &type_int}, 1);
    const Type *row = type_new_nested(arena, TYPE_ROW, true,
                                      (TypeField[]){{"x", &type_int}, {"y", &type_string}}, 2);
    const Column columns[] = {{"l", list},
                              {"r", row},
                              {"b", &type_bytes},
                              {"t", &type_timestamp_3},
                              {"z", &type_timestamp_ltz_3},
                              {"f", &type_boolean}};
    FormatTest test = format_test(&format_csv, schema_new(arena, columns, 6));
    format_check(&test, "1;2;3,4;a,YWI=,2024-01-02 03:04:05.6,2024-01-02 03:04:05Z,true\n",
                 "+I[[1, 2, 3], (4, a), x'6162', 2024-01-02 03:04:05.600, 2024-01-02 "
                 "03:04:05.000, TRUE]\n");
    format_check(&test, ",;,,2024-01-02T03:04,2024-01-02T03:04:05+02:00,f\n",
                 "+I[NULL, (NULL, ''), NULL, 2024-01-02 03:04:00.000, 2024-01-02 01:04:05.000, "
                 "FALSE]\n");
    format_check(&test, "1;x,,,,,\n", "ERROR: column \"l\": cannot read \"x\" as INT");
    format_check(&test, ",1,,,,\n", "ERROR: column \"r\": ROW value has 1 fields instead of 2");
    format_check(&test, ",1;a;b,,,,\n", "ERROR: column \"r\": ROW value has more than 2 fields");
    format_check(&test, ",,YW,,,\n", "ERROR: column \"b\": cannot read \"YW\" as BYTES: no base64");
    const Type *map = type_new_nested(arena, TYPE_MAP, true,
                                      (TypeField[]){{NULL, &type_string}, {NULL, &type_int}}, 2);
    FormatTest bad = format_test(&format_csv, schema_new(arena, &(Column){"m", map}, 1));
    format_check(&bad, "", "ERROR: format \"csv\" cannot hold column \"m\" of type MAP");
}
END_TEST

START_TEST(test_round_trip)
{
    Random random = random_seed("csv");
    const Schema *schema = random_schema(arena, false);
    for (int round = 0; round < 6; round++) {
        FormatTest test = format_test(&format_csv, schema);
        format_option(&test, "csv.null-literal", round % 2 == 0 ? "NULL" : "\\N");
        if (round % 2 == 1)
            format_option(&test, "csv.header", "true");
        if (round % 3 == 1) {
            format_option(&test, "csv.field-delimiter", ";");
            format_option(&test, "csv.escape-character", "\\");
        }
        Batch *batch = random_batch(&random, schema, 500);
        format_round_trip(&test, batch, &random);
        batch_release(batch);
    }
    FormatTest one = format_test(&format_csv, schema_new(arena, &(Column){"a", &type_int}, 1));
    Batch *batch = random_batch(&random, one.schema, 50);
    format_round_trip(&one, batch, &random);
    batch_release(batch);
}
END_TEST

START_TEST(test_scan)
{
    Random random = random_seed("csv scan");
    const CsvScan scans[] = {csv_scan_choose(), csv_scan_portable};
    const CsvMarks marks = {',', '"', '\\'};
    for (int round = 0; round < 20000; round++) {
        char data[2 * CSV_BLOCK_BYTES];
        CsvBlock wanted[2] = {0};
        bool ascii = true;
        for (size_t i = 0; i < sizeof(data); i++) {
            data[i] = random_below(&random, 3) == 0
                          ? (char)(",\n\"\\"[random_below(&random, 4)] +
                                   (int)random_below(&random, 3) - 1)
                          : (char)(random_next(&random) & (round % 2 == 0 ? 0x7F : 0xFF));
            uint64_t bit = UINT64_C(1) << (i % CSV_BLOCK_BYTES);
            CsvBlock *block = &wanted[i / CSV_BLOCK_BYTES];
            block->separators |= data[i] == ',' || data[i] == '\n' ? bit : 0;
            block->newlines |= data[i] == '\n' ? bit : 0;
            block->quotes |= data[i] == '"' || data[i] == '\\' ? bit : 0;
            ascii = ascii && (data[i] & 0x80) == 0;
        }
        for (size_t i = 0; i < array_count(scans); i++) {
            CsvBlock got[2];
            ck_assert(scans[i](data, 2, &marks, got) == ascii);
            ck_assert_mem_eq(got, wanted, sizeof(wanted));
        }
    }
}
END_TEST

/* Text of a kind that a field may have; mostly what is usual. */
static const char *const usual[][8] = {
    {"1", "-7", "12345678", "123456789", "2147483647", "0", "42", "-2147483648"},
    {"1", "-7", "1234567890123456", "12345678901234567", "-9223372036854775808", "007", "99999999",
     "123456789012"},
    {"", "a", "twelve bytes", "thirteen byte", "a text that is longer than a view", "x y", "Ann",
     "four"},
    {"2024-02-29 23:59:59.123", "1999-12-31 00:00:00", "1960-01-01 00:00:00.999999",
     "0001-01-01 12:34:56.789", "9999-12-31 23:59:59.999", "2024-01-02 03:04:05.600",
     "2024-03-01 00:00:00", "2000-02-29 00:00:00.000"},
};
static const char *const odd[] = {"",
                                  "x",
                                  "+5",
                                  " 6",
                                  "1.5",
                                  "2147483648",
                                  "-",
                                  "1e3",
                                  "\"3\"",
                                  "\"\"",
                                  "\"a,b\"",
                                  "\"a\nb\"",
                                  "\"a\"\"b\"",
                                  "a\"b",
                                  "\"a\"b",
                                  "\xC3\xA9",
                                  "\xFF",
                                  "\r",
                                  "12345678901234567890",
                                  "2024-02-30 00:00:00",
                                  "2024-02-29T23:59:59.123",
                                  "2024-2-9",
                                  "2024-01-01 24:00:00",
                                  "2024-01-01 00:60:00",
                                  "2024-01-01 00:00:0a",
                                  "0000-01-01 00:00:00",
                                  "2024-13-01 00:00:00",
                                  "2024-01-01 00:00:00.12",
                                  "2024-01-01 00-00-00",
                                  "9223372036854775808",
                                  "3\"",
                                  "\"",
                                  "a text with \xE2\x82\xAC that is longer than a view"};

/* A file whose lines are mostly as usual. */
static void random_file(Random *random, uint32_t oddness, Buffer *text)
{
    bool returns = random_below(random, 4) == 0;
    uint32_t rows = random_below(random, 600);
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t fields = random_below(random, oddness * 20) != 0 ? 6 : random_below(random, 8);
        for (uint32_t f = 0; f < fields; f++) {
            buffer_append_text(text, f == 0 ? "" : ",");
            uint32_t kind = (const uint32_t[]){0, 2, 1, 3, 2, 2, 2, 2}[f];
            if (random_below(random, oddness * 6) == 0)
                buffer_append_text(text, odd[random_below(random, array_count(odd))]);
            else
                buffer_append_text(text, usual[kind][random_below(random, 8)]);
        }
        buffer_append_text(text, returns ? "\r\n" : "\n");
    }
}

/* Records read many at once, and the same each on its own: an escape character asks for that. */
START_TEST(test_grid)
{
    const Type *milli = &type_timestamp_3;
    const Column columns[] = {
        {"i", &type_int}, {"s", &type_string}, {"b", &type_bigint},
        {"t", milli},     {"u", &type_string}, {"v", type_new(arena, TYPE_VARCHAR, true, 5, 0)}};
    const Column wanted[] = {columns[3], columns[5], columns[0]};
    const uint32_t positions[] = {3, 5, 0};
    const Schema *all = schema_new(arena, columns, 6), *some = schema_new(arena, wanted, 3);
    Random random = random_seed("csv grid");
    for (int round = 0; round < 600; round++) {
        FormatTest test = format_test(&format_csv, round % 3 == 0 ? some : all);
        test.file_schema = round % 3 == 0 ? all : NULL;
        test.file_columns = round % 3 == 0 ? positions : NULL;
        if (round % 8 != 0)
            format_option(&test, "csv.ignore-parse-errors", "true");
        if (round % 5 == 0)
            format_option(&test, "csv.null-literal", "Ann");
        if (round % 7 == 0)
            format_option(&test, "csv.empty-string-as-null", "true");
        Buffer text = {0};
        random_file(&random, 1 + random_below(&random, 60), &text);
        Str input = {text.data, text.length};
        FormatTest each = test;
        format_option(&each, "csv.escape-character", "\\u0001");
        FormatRun slow = format_decode(&each, input, SIZE_MAX, &random);
        format_check_ways(&test, input, &slow, &random);
        buffer_deinit(&slow.out);
        buffer_deinit(&text);
    }
}
END_TEST

START_TEST(test_registry)
{
    Error error;
    ck_assert_ptr_eq(format_find("CSV", &error), &format_csv);
    ck_assert_ptr_null(format_find("jsn", &error));
    ck_assert_str_eq(error.hint, "Did you mean \"json\"?");
    uint32_t count = 0;
    while (format_at(count) != NULL)
        count++;
    ck_assert_uint_ge(count, 4);
    ck_assert_ptr_null(format_at(count + 5));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_plain);
    tcase_add_test(tests, test_errors);
    tcase_add_test(tests, test_options);
    tcase_add_test(tests, test_header);
    tcase_add_test(tests, test_pruned);
    tcase_add_test(tests, test_types);
    tcase_add_test(tests, test_round_trip);
    tcase_add_test(tests, test_scan);
    tcase_add_test(tests, test_grid);
    tcase_add_test(tests, test_registry);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
