/* The catalog: declarations checked, described, shown, dropped. */
#include "planner_cases.h"
#include "tests/suite.h"

/* Good ones say nothing. */
static const PlanCase declarations[] = {
    {"CREATE TABLE o (a INT) WITH ('connector' = 'source')",
     "name: table \"o\" exists already\n"
     "hint: DROP TABLE it first, or use IF NOT EXISTS.\n"
     "at: o\n"},
    {"CREATE TABLE IF NOT EXISTS o (a INT) WITH ('connector' = 'source')", ""},
    {"CREATE TABLE t (a INT) WITH ('conector' = 'source')", "option: unknown option \"conector\"\n"
                                                            "hint: Did you mean \"connector\"?\n"
                                                            "at: 'conector'\n"},
    {"CREATE TABLE t (a INT) WITH ('connector' = 'files', 'fromat' = 'lines')",
     "option: unknown option \"fromat\"\n"
     "hint: Did you mean \"format\"?\n"
     "at: 'fromat'\n"},
    {"CREATE TABLE t (a INT) WITH ('path' = 'source')",
     "option: table \"t\" has no connector\n"
     "hint: Add 'connector' = '…' to WITH; there are: source, sink, spread, files.\n"
     "at: t\n"},
    {"CREATE TABLE t (a INT) WITH ('connector' = 'sorce')",
     "name: connector \"sorce\" does not exist\n"
     "hint: Did you mean \"source\"?\n"
     "at: 'sorce'\n"},
    {"CREATE TABLE t (a INT) WITH ('connector' = 'source', 'kind' = 'all')",
     "option: unknown option \"kind\" for connector \"source\"\n"
     "detail: Valid options are: kinds, bounded, path, password.\n"
     "hint: Did you mean \"kinds\"?\n"
     "at: 'kind'\n"},
    {"CREATE TABLE t (a INT) WITH ('connector' = 'source', 'kinds' = 'alle')",
     "option: option \"kinds\" has a bad value: \"alle\"\n"
     "hint: Use one of: insert|upsert|all.\n"
     "at: 'alle'\n"},
    {"CREATE TABLE t (a INT) WITH ('connector' = 'files', 'format' = 'lins')",
     "name: format \"lins\" does not exist\n"
     "at: 'lins'\n"},
    {"CREATE TABLE t (a INT) WITH ('connector' = 'files')",
     "option: table \"t\" has no format\n"
     "hint: Connector \"files\" needs one: add 'format' = 'csv' or another to WITH.\n"
     "at: t\n"},
    {"CREATE TABLE t (a INT) WITH ('connector' = 'source', 'format' = 'lines')",
     "option: connector \"source\" takes no format\n"
     "hint: Leave out 'format'.\n"
     "at: 'format'\n"},
    {"CREATE TABLE t (a INT) WITH ('connector' = 'files', 'format' = 'lines', "
     "'lines.separatr' = ';')",
     "option: unknown option \"lines.separatr\" for connector \"files\" with format "
     "\"lines\"\n"
     "detail: Valid options are: kinds, bounded, path, password, lines.separator.\n"
     "hint: Did you mean \"lines.separator\"?\n"
     "at: 'lines.separatr'\n"},
    {"CREATE TABLE t (a INT, b AS c + 1) WITH ('connector' = 'source')",
     "name: column \"c\" does not exist\n"
     "hint: Columns here: a.\n"
     "at: c\n"},
    {"CREATE TABLE t (a INT, b AS a + 1, c AS b) WITH ('connector' = 'source')",
     "name: column \"b\" does not exist\n"
     "hint: Columns here: a.\n"
     "at: b\n"},
    {"CREATE TABLE t (a INT, a STRING) WITH ('connector' = 'source')",
     "name: column \"a\" is declared twice\n"
     "at: a STRING\n"},
    {"CREATE TABLE t (ab INT, PRIMARY KEY (ac) NOT ENFORCED) WITH ('connector' = "
     "'source')",
     "name: column \"ac\" of the primary key is no physical column of the table\n"
     "hint: Did you mean \"ab\"?\n"
     "at: PRIMARY KEY (ac) NOT ENFORCED\n"},
    {"CREATE TABLE t (a INT, PRIMARY KEY (a, a) NOT ENFORCED) WITH ('connector' = "
     "'source')",
     "name: column \"a\" stands twice in the primary key\n"
     "at: PRIMARY KEY (a, a) NOT ENFORCED\n"},
    {"CREATE TABLE t (b TIMESTAMP(6), WATERMARK FOR b AS b) WITH ('connector' = 'source')",
     "type: WATERMARK column \"b\" must be TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p up to "
     "3, not TIMESTAMP(6)\n"
     "hint: Declare the column TIMESTAMP(3) or add a computed column with a CAST.\n"
     "at: WATERMARK FOR b AS b\n"},
    {"CREATE TABLE t (b TIMESTAMP(3), WATERMARK FOR c AS b) WITH ('connector' = 'source')",
     "name: column \"c\" of WATERMARK does not exist\n"
     "at: WATERMARK FOR c AS b\n"},
    {"CREATE TABLE t (b TIMESTAMP(3), WATERMARK FOR b AS 1) WITH ('connector' = 'source')",
     "type: the expression of WATERMARK must be TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p "
     "up to 3, not INT NOT NULL\n"
     "hint: Declare the column TIMESTAMP(3) or add a computed column with a CAST.\n"
     "at: WATERMARK FOR b AS 1\n"},
    {"CREATE TABLE t (a INT, b TIMESTAMP(3) METADATA FROM 'op_tss') WITH ('connector' = "
     "'source')",
     "name: connector \"source\" has no metadata \"op_tss\"\n"
     "hint: Did you mean METADATA FROM 'op_ts'?\n"
     "at: b TIMESTAMP(3) METADATA FROM 'op_tss'\n"},
    {"CREATE TABLE t (a INT, op_ts INT METADATA) WITH ('connector' = 'sink')",
     "name: connector \"sink\" has no metadata \"op_ts\"\n"
     "hint: It has none.\n"
     "at: op_ts INT METADATA\n"},
    {"CREATE TABLE t (b AS 1) WITH ('connector' = 'source')",
     "syntax: table \"t\" has no physical columns\n"
     "at: t\n"},
    {"DROP TABLE nothere", "name: table \"nothere\" does not exist\n"
                           "hint: There are: a, c, e, f, n, o, p, r, u, up.\n"
                           "at: nothere\n"},
    {"DROP TABLE IF EXISTS nothere", ""},
    {"DROP VIEW o", "name: \"o\" is a table\n"
                    "hint: Use DROP TABLE.\n"
                    "at: o\n"},
    {"USE other", "name: database \"other\" does not exist\n"
                  "hint: There is one, default_database.\n"
                  "at: other\n"},
    {"USE default_database", ""},
};

START_TEST(test_declarations)
{
    PlannerConfig config = fake_config();
    expect_cases(declarations, array_count(declarations), &config, SHOW_SCHEMA);
}
END_TEST

/* A catalog with the statements of a script applied; none may fail. */
static Catalog *catalog_of(const char *text)
{
    Str script = str_of(text);
    Catalog *catalog = catalog_new();
    PlannerConfig config = fake_config();
    size_t offset = 0, start = 0, end = 0;
    bool incomplete = false;
    while (parser_next_statement(script, &offset, &start, &end, &incomplete)) {
        Error error;
        error_clear(&error);
        Arena *arena = arena_new(4096);
        const AstStatement *statement = parser_parse(script, start, end, arena, &error);
        ck_assert_msg(statement != NULL, "%s", error.message);
        ck_assert_msg(catalog_apply(catalog, statement, script, &config, &error), "%s",
                      error.message);
        arena_free(arena);
    }
    return catalog;
}

static AstName name_of(const char *name)
{
    return (AstName){.part_count = 1, .parts = {name}, .place = {-1, 0}};
}

static void describe(Catalog *catalog, const char *name, Buffer *out)
{
    PlannerConfig config = fake_config();
    Arena *arena = arena_new(4096);
    AstName parts = name_of(name);
    const ColumnInfo *columns = NULL;
    uint32_t count = 0;
    Error error;
    error_clear(&error);
    ck_assert_msg(catalog_describe(catalog, &parts, &config, arena, &columns, &count, &error), "%s",
                  error.message);
    for (uint32_t i = 0; i < count; i++)
        buffer_printf(out, "%s %s %s %s|%s|%s|%s\n", columns[i].name, columns[i].type,
                      columns[i].nullable ? "TRUE" : "FALSE",
                      columns[i].key == NULL ? "" : columns[i].key,
                      columns[i].extras == NULL ? "" : columns[i].extras,
                      columns[i].watermark == NULL ? "" : columns[i].watermark,
                      columns[i].comment == NULL ? "" : columns[i].comment);
    arena_free(arena);
}

static const char *const declared =
    "CREATE TABLE `full` (id BIGINT COMMENT 'it''s the key', part STRING, ts TIMESTAMP(3), `from` "
    "AS id "
    "* 2, at TIMESTAMP_LTZ(3) METADATA FROM 'op_ts' VIRTUAL, table_name STRING METADATA, WATERMARK "
    "FOR ts AS ts - INTERVAL '5' SECOND, CONSTRAINT pk PRIMARY KEY (id, part) NOT ENFORCED) "
    "COMMENT "
    "'all there is' WITH ('connector' = 'source', 'password' = 'geheim', 'path' = 'it''s');"
    "CREATE VIEW seen (x, y) AS SELECT id, part || '!' FROM `full`;";

START_TEST(test_describe)
{
    Catalog *catalog = catalog_of(declared);
    Buffer got = {0};
    describe(catalog, "full", &got);
    describe(catalog, "seen", &got);
    expect_text("describe", &got,
                "id BIGINT FALSE PRI(id, part)|||it's the key\n"
                "part STRING FALSE PRI(id, part)|||\n"
                "ts TIMESTAMP(3) *ROWTIME* TRUE ||`ts` - INTERVAL '5' SECOND|\n"
                "from BIGINT FALSE |AS `id` * 2||\n"
                "at TIMESTAMP_LTZ(3) TRUE |METADATA FROM 'op_ts' VIRTUAL||\n"
                "table_name STRING TRUE |METADATA||\n"
                "x BIGINT FALSE |||\n"
                "y STRING FALSE |||\n");
    buffer_deinit(&got);
    catalog_free(catalog);
}
END_TEST

static void show_create(Catalog *catalog, Buffer *out)
{
    Error error;
    error_clear(&error);
    AstName table = name_of("full"), view = name_of("seen");
    ck_assert_msg(catalog_show_create(catalog, &table, false, out, &error), "%s", error.message);
    buffer_append_text(out, ";\n");
    ck_assert_msg(catalog_show_create(catalog, &view, true, out, &error), "%s", error.message);
    buffer_append_text(out, ";\n");
}

START_TEST(test_show_create_runs_again)
{
    Buffer first = {0}, second = {0};
    Catalog *catalog = catalog_of(declared);
    show_create(catalog, &first);
    catalog_free(catalog);
    ck_assert(strstr(buffer_text(&first), "geheim") == NULL);
    ck_assert(strstr(buffer_text(&first), "'password' = '******'") != NULL);
    catalog = catalog_of(buffer_text(&first));
    show_create(catalog, &second);
    catalog_free(catalog);
    expect_text("show create", &second, buffer_text(&first));
    buffer_deinit(&first);
    buffer_deinit(&second);
}
END_TEST

START_TEST(test_names)
{
    Catalog *catalog = catalog_of(declared);
    Arena *arena = arena_new(1024);
    const char *const *names = NULL;
    ck_assert_uint_eq(catalog_names(catalog, "TABLES", arena, &names), 2);
    ck_assert_str_eq(names[0], "full");
    ck_assert_str_eq(names[1], "seen");
    ck_assert_uint_eq(catalog_names(catalog, "VIEWS", arena, &names), 1);
    ck_assert_str_eq(names[0], "seen");
    arena_free(arena);
    catalog_free(catalog);
}
END_TEST

START_TEST(test_schema_for_feeding)
{
    Catalog *catalog = catalog_of(declared);
    Arena *arena = arena_new(1024);
    Error error;
    error_clear(&error);
    const Schema *schema = catalog_table_schema(catalog, "full", arena, &error);
    ck_assert(schema != NULL);
    ck_assert_uint_eq(schema->column_count, 3);
    ck_assert_str_eq(schema->columns[2].name, "ts");
    ck_assert(catalog_table_schema(catalog, "seen", arena, &error) == NULL);
    ck_assert_str_eq(error.message, "\"seen\" is a view");
    arena_free(arena);
    catalog_free(catalog);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("catalog");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, test_declarations);
    tcase_add_test(cases, test_describe);
    tcase_add_test(cases, test_show_create_runs_again);
    tcase_add_test(cases, test_names);
    tcase_add_test(cases, test_schema_for_feeding);
    return test_run("catalog", cases);
}
