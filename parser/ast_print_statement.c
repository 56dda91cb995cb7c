/* Statements as S-expressions. */
#include "parser/ast_print.h"

#include <string.h>

static void ast_print_quoted(const char *label, const char *text, Buffer *out)
{
    if (text != NULL)
        buffer_printf(out, " (%s '%s')", label, text);
}

static void ast_print_path(const AstName *name, Buffer *out)
{
    for (uint32_t i = 0; i < name->part_count; i++)
        buffer_printf(out, "%s%s", i == 0 ? " " : ".", name->parts[i]);
}

static void ast_print_list_of(const char *label, const char *const *names, uint32_t count,
                              Buffer *out)
{
    if (count == 0)
        return;
    buffer_printf(out, " (%s", label);
    for (uint32_t i = 0; i < count; i++)
        buffer_printf(out, " %s", names[i]);
    buffer_append_char(out, ')');
}

static void ast_print_all_options(const Options *options, Buffer *out)
{
    for (uint32_t i = 0; i < options->count; i++)
        buffer_printf(out, " '%s'='%s'", options->items[i].key, options->items[i].value);
}

static void ast_print_column(const AstColumnDef *column, Buffer *out)
{
    static const char *const kinds[] = {"physical", "computed", "metadata"};
    buffer_printf(out, " (%s %s", kinds[column->kind], column->name);
    if (column->type != NULL) {
        buffer_append_text(out, " <");
        type_print(column->type, out);
        buffer_append_char(out, '>');
    }
    if (column->expr != NULL) {
        buffer_append_char(out, ' ');
        ast_print_expr(column->expr, out);
        buffer_append_text(out, " '");
        buffer_append_str(out, column->expr_text);
        buffer_append_char(out, '\'');
    }
    ast_print_quoted("from", column->metadata_key, out);
    if (column->is_virtual)
        buffer_append_text(out, " virtual");
    ast_print_quoted("comment", column->comment, out);
    buffer_append_text(out, column->is_first ? " first" : "");
    ast_print_quoted("after", column->after, out);
    buffer_append_char(out, ')');
}

static void ast_print_create_table(const AstCreateTable *create, Buffer *out)
{
    buffer_append_text(out, "create-table");
    buffer_append_text(out, create->temporary ? " temporary" : "");
    buffer_append_text(out, create->if_not_exists ? " if-not-exists" : "");
    ast_print_path(&create->name, out);
    for (uint32_t i = 0; i < create->column_count; i++)
        ast_print_column(&create->columns[i], out);
    if (create->primary_key_count != 0)
        ast_print_list_of("key", create->primary_key, create->primary_key_count, out);
    if (create->constraint_name != NULL)
        buffer_printf(out, " (constraint %s)", create->constraint_name);
    if (create->watermark_column != NULL) {
        buffer_printf(out, " (watermark %s ", create->watermark_column);
        ast_print_expr(create->watermark, out);
        buffer_append_text(out, " '");
        buffer_append_str(out, create->watermark_text);
        buffer_append_text(out, "')");
    }
    ast_print_quoted("comment", create->comment, out);
    ast_print_list_of("partitioned", create->partitioned_by, create->partitioned_count, out);
    if (create->options.count != 0) {
        buffer_append_text(out, " (with");
        ast_print_all_options(&create->options, out);
        buffer_append_char(out, ')');
    }
    if (create->like.part_count != 0) {
        buffer_append_text(out, " (like");
        ast_print_path(&create->like, out);
        buffer_append_char(out, ')');
    }
    if (create->as_query != NULL) {
        buffer_append_char(out, ' ');
        ast_print_query(create->as_query, out);
    }
}

static void ast_print_create_view(const AstCreateView *create, Buffer *out);

static void ast_print_alter(const AstAlter *alter, Buffer *out)
{
    static const char *const kinds[] = {[AST_ALTER_RENAME] = "rename",
                                        [AST_ALTER_RENAME_COLUMN] = "rename-column",
                                        [AST_ALTER_SET] = "set",
                                        [AST_ALTER_RESET] = "reset",
                                        [AST_ALTER_ADD] = "add",
                                        [AST_ALTER_MODIFY] = "modify",
                                        [AST_ALTER_DROP_COLUMNS] = "drop",
                                        [AST_ALTER_DROP_KEY] = "drop-key",
                                        [AST_ALTER_DROP_WATERMARK] = "drop-watermark",
                                        [AST_ALTER_QUERY] = "query"};
    buffer_append_text(out, alter->is_view ? "alter-view" : "alter-table");
    buffer_append_text(out, alter->if_exists ? " if-exists" : "");
    ast_print_path(&alter->name, out);
    buffer_printf(out, " %s", kinds[alter->kind]);
    if (alter->kind == AST_ALTER_RENAME)
        ast_print_path(&alter->to, out);
    for (uint32_t i = 0; i < alter->name_count; i++)
        buffer_printf(out, " %s", alter->names[i]);
    const AstCreateTable *changed = alter->changed;
    if (changed != NULL && (changed->column_count != 0 || changed->options.count != 0 ||
                            changed->primary_key_count != 0 || changed->watermark_column != NULL)) {
        buffer_append_text(out, " (");
        ast_print_create_table(changed, out);
        buffer_append_char(out, ')');
    }
    if (alter->view != NULL) {
        buffer_append_text(out, " (");
        ast_print_create_view(alter->view, out);
        buffer_append_char(out, ')');
    }
}

static void ast_print_create_view(const AstCreateView *create, Buffer *out)
{
    buffer_append_text(out, "create-view");
    buffer_append_text(out, create->temporary ? " temporary" : "");
    buffer_append_text(out, create->if_not_exists ? " if-not-exists" : "");
    ast_print_path(&create->name, out);
    ast_print_list_of("columns", create->columns, create->column_count, out);
    ast_print_quoted("comment", create->comment, out);
    buffer_append_char(out, ' ');
    ast_print_query(create->query, out);
    buffer_append_text(out, " '");
    buffer_append_str(out, create->query_text);
    buffer_append_char(out, '\'');
}

static void ast_print_insert(const AstInsert *insert, Buffer *out)
{
    buffer_append_text(out, insert->overwrite ? "(insert-overwrite" : "(insert");
    ast_print_path(&insert->table, out);
    for (uint32_t i = 0; i < insert->hint_count; i++) {
        buffer_printf(out, " (hint %s", insert->hints[i].name);
        ast_print_all_options(&insert->hints[i].options, out);
        buffer_append_char(out, ')');
    }
    for (uint32_t i = 0; i < insert->partition_count; i++) {
        buffer_printf(out, " (partition %s ", insert->partition[i]);
        ast_print_expr(insert->partition_values[i], out);
        buffer_append_char(out, ')');
    }
    ast_print_list_of("columns", insert->columns, insert->column_count, out);
    buffer_append_char(out, ' ');
    ast_print_query(insert->query, out);
    if (insert->on_conflict != NULL)
        buffer_printf(out, " (on-conflict %s)", insert->on_conflict);
    buffer_append_char(out, ')');
}

static void ast_print_set_option(const AstStatement *statement, Buffer *out)
{
    bool reset = statement->kind == AST_STATEMENT_RESET;
    buffer_append_text(out, reset ? "reset" : "set");
    if (statement->key != NULL)
        buffer_printf(out, " '%s'", statement->key);
    if (statement->value != NULL)
        buffer_printf(out, "='%s'", statement->value);
}

static void ast_print_show(const AstStatement *statement, Buffer *out)
{
    buffer_printf(out, "show '%s'", statement->object);
    ast_print_path(&statement->name, out);
    if (statement->like != NULL)
        buffer_printf(out, " (%s%s '%s')", statement->like_negated ? "not-" : "",
                      statement->like_nocase ? "ilike" : "like", statement->like);
}

static void ast_print_explain(const AstStatement *statement, Buffer *out)
{
    buffer_append_text(out, "explain");
    buffer_append_text(out, statement->explain_changelog_mode ? " changelog-mode" : "");
    buffer_append_text(out, statement->explain_advice ? " advice" : "");
    buffer_append_text(out, statement->explain_json ? " json" : "");
    buffer_append_char(out, ' ');
    ast_print_statement(statement->explained, out);
}

static void ast_print_drop(const AstStatement *statement, Buffer *out)
{
    buffer_printf(out, "drop%s %s%s", statement->temporary ? " temporary" : "", statement->object,
                  statement->if_exists ? " if-exists" : "");
    ast_print_path(&statement->name, out);
}

static void ast_print_function(const AstFunction *function, Buffer *out)
{
    static const char *const actions[] = {"create", "alter", "drop"};
    buffer_printf(out, "%s-function%s%s", actions[function->action],
                  function->temporary ? " temporary" : "",
                  !function->if_exists                      ? ""
                  : function->action == AST_FUNCTION_CREATE ? " if-not-exists"
                                                            : " if-exists");
    ast_print_path(&function->name, out);
    ast_print_quoted("as", function->symbol, out);
    ast_print_quoted("library", function->library, out);
}

static void ast_print_short(const AstStatement *statement, Buffer *out)
{
    switch (statement->kind) {
    case AST_STATEMENT_DESCRIBE:
        buffer_append_text(out, "describe");
        if (strcmp(statement->object, "TABLE") != 0)
            buffer_printf(out, "%s '%s'", statement->extended ? " extended" : "",
                          statement->object);
        ast_print_path(&statement->name, out);
        break;
    case AST_STATEMENT_USE:
        buffer_printf(out, "use %s", statement->object);
        ast_print_path(&statement->name, out);
        break;
    case AST_STATEMENT_STOP_JOB:
        buffer_printf(out, "stop-job '%s'%s%s", statement->value,
                      statement->with_savepoint ? " with-savepoint" : "",
                      statement->with_drain ? " with-drain" : "");
        break;
    case AST_STATEMENT_HELP:
        buffer_append_text(out, "help");
        break;
    case AST_STATEMENT_QUIT:
        buffer_append_text(out, "quit");
        break;
    default:
        buffer_append_text(out, "clear");
    }
}

void ast_print_statement(const AstStatement *statement, Buffer *out)
{
    if (statement->kind == AST_STATEMENT_QUERY) {
        ast_print_query(statement->query, out);
        return;
    }
    if (statement->kind == AST_STATEMENT_INSERT) {
        ast_print_insert(statement->inserts, out);
        return;
    }
    buffer_append_char(out, '(');
    switch (statement->kind) {
    case AST_STATEMENT_SET:
        buffer_append_text(out, "statement-set");
        for (uint32_t i = 0; i < statement->insert_count; i++) {
            buffer_append_char(out, ' ');
            ast_print_insert(&statement->inserts[i], out);
        }
        break;
    case AST_STATEMENT_CREATE_TABLE:
        ast_print_create_table(statement->create_table, out);
        break;
    case AST_STATEMENT_CREATE_VIEW:
        ast_print_create_view(statement->create_view, out);
        break;
    case AST_STATEMENT_ALTER:
        ast_print_alter(statement->alter, out);
        break;
    case AST_STATEMENT_FUNCTION:
        ast_print_function(statement->function, out);
        break;
    case AST_STATEMENT_DROP:
        ast_print_drop(statement, out);
        break;
    case AST_STATEMENT_SET_OPTION:
    case AST_STATEMENT_RESET:
        ast_print_set_option(statement, out);
        break;
    case AST_STATEMENT_SHOW:
        ast_print_show(statement, out);
        break;
    case AST_STATEMENT_EXPLAIN:
        ast_print_explain(statement, out);
        break;
    default:
        ast_print_short(statement, out);
    }
    buffer_append_char(out, ')');
}
