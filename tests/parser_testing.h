/* What the parser's tests share: parsing a statement whose marked part is {{ so }}, and printing.
 */
#ifndef TESTS_PARSER_TESTING_H
#define TESTS_PARSER_TESTING_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"
#include "parser/ast_print.h"
#include "parser/parser.h"

typedef struct MarkedSql {
    char text[4096];
    size_t length;
    int64_t offset; /* of what stood between the marks, -1: no marks */
    int64_t marked;
} MarkedSql;

static inline MarkedSql marked_sql(const char *source)
{
    MarkedSql sql = {.offset = -1};
    for (; *source != '\0'; source++) {
        if (strncmp(source, "{{", 2) == 0) {
            sql.offset = (int64_t)sql.length;
            source++;
        } else if (strncmp(source, "}}", 2) == 0) {
            sql.marked = (int64_t)sql.length - sql.offset;
            source++;
        } else {
            ck_assert_uint_lt(sql.length + 1, sizeof(sql.text));
            sql.text[sql.length++] = *source;
        }
    }
    return sql;
}

typedef struct GoldenTree {
    const char *sql;
    const char *tree;
} GoldenTree;

/* Parses each statement behind some text, so that places that forget the start show. */
static inline void check_golden_trees(const GoldenTree *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Arena *arena = arena_new(4096);
        Buffer script = {0};
        Buffer printed = {0};
        Error error = {0};
        buffer_append_text(&script, "-- é\n");
        size_t start = script.length;
        buffer_append_text(&script, cases[i].sql);
        size_t end = script.length;
        buffer_append_text(&script, "; SELECT");
        const AstStatement *statement =
            parser_parse((Str){script.data, script.length}, start, end, arena, &error);
        ck_assert_msg(statement != NULL, "%s: %s", cases[i].sql, error.message);
        ast_print_statement(statement, &printed);
        ck_assert_msg(strcmp(buffer_text(&printed), cases[i].tree) == 0, "%s\n     is %s\n not %s",
                      cases[i].sql, buffer_text(&printed), cases[i].tree);
        ck_assert_int_eq(statement->place.offset, (int64_t)start);
        buffer_deinit(&printed);
        buffer_deinit(&script);
        arena_free(arena);
    }
}

static inline int run_suite(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *all = tcase_create("all");
    suite_add_tcase(suite, all);
    tcase_set_timeout(all, 60);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(all, tests[i]);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
