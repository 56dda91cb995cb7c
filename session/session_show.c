/* Statements that list things: SHOW, DESCRIBE, SET without arguments. */
#include "session/session_internal.h"

#include <stdlib.h>

#include "core/str.h"
#include "functions/user.h"
#include "functions/window.h"

/* ------------------------------------------------------------ LIKE patterns */

/* Whether text matches a LIKE pattern of % and _; bytes, which is right for % and for ASCII _. */
static bool like_matches(const char *text, const char *pattern, bool nocase)
{
    const char *star = NULL, *retry = NULL;
    while (*text != '\0') {
        char a = *text, b = *pattern;
        if (nocase && a >= 'A' && a <= 'Z')
            a = (char)(a + 32);
        if (nocase && b >= 'A' && b <= 'Z')
            b = (char)(b + 32);
        if (*pattern == '%') {
            star = ++pattern;
            retry = text;
        } else if (b != '\0' && (b == '_' || b == a)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '%')
        pattern++;
    return *pattern == '\0';
}

static bool shown(const AstStatement *statement, const char *name)
{
    return statement->like == NULL ||
           like_matches(name, statement->like, statement->like_nocase) != statement->like_negated;
}

/* ---------------------------------------------------------------- SHOW … */

static WeirResult *show_names(WeirSession *session, const AstStatement *statement,
                              const char *column)
{
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    result_set_columns(result, &column, 1);
    const char *const *names;
    uint32_t count = catalog_names(session->catalog, statement->object, result->arena, &names);
    for (uint32_t i = 0; i < count; i++) {
        if (shown(statement, names[i]))
            result_add_row(result, &names[i]);
    }
    return result;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of functions in lower case, as Flink prints them. */
typedef struct FunctionNames {
    Arena *arena;
    const char **names;
    uint32_t count;
} FunctionNames;

static void add_function_name(FunctionNames *list, const char *name)
{
    char *lower = arena_strdup(list->arena, name);
    for (char *c = lower; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    list->names[list->count++] = lower;
}

#define FUNCTION_NAMES_MAX 2048

/* SHOW [USER] FUNCTIONS: sorted, each once. */
static WeirResult *show_functions(WeirSession *session, const AstStatement *statement,
                                  bool built_in)
{
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    result_set_columns(result, &(const char *){"function name"}, 1);
    FunctionNames list = {result->arena,
                          arena_new_array(result->arena, const char *, FUNCTION_NAMES_MAX), 0};
    const UserFunction *own;
    for (uint32_t i = 0; (own = user_function_at(session->functions, i)) != NULL &&
                         list.count < FUNCTION_NAMES_MAX / 2;
         i++)
        add_function_name(&list, own->base.name);
    const ScalarFunction *scalar;
    for (uint32_t i = 0; built_in && (scalar = function_at(i)) != NULL; i++)
        if ((scalar->flags & FUNCTION_HIDDEN) == 0)
            add_function_name(&list, scalar->name);
    for (uint32_t i = 0; built_in && aggregate_at(i) != NULL; i++)
        add_function_name(&list, aggregate_at(i)->name);
    for (uint32_t i = 0; built_in && window_function_at(i) != NULL; i++)
        add_function_name(&list, window_function_at(i)->name);
    qsort(list.names, list.count, sizeof(*list.names), compare_names);
    for (uint32_t i = 0; i < list.count; i++) {
        bool again = i > 0 && strcmp(list.names[i - 1], list.names[i]) == 0;
        if (!again && shown(statement, list.names[i]))
            result_add_row(result, &list.names[i]);
    }
    return result;
}

/* Things of which there is one, which goes by Flink's name, or none. */
typedef struct OnlyName {
    const char *object;
    const char *column;
    const char *name;
} OnlyName;

static const OnlyName only_names[] = {
    {"CATALOGS", "catalog name", "default_catalog"},
    {"CURRENT CATALOG", "current catalog name", "default_catalog"},
    {"DATABASES", "database name", "default_database"},
    {"CURRENT DATABASE", "current database name", "default_database"},
    {"MODULES", "module name", "core"},
    {"PROCEDURES", "procedure name", NULL},
    {"MODELS", "model name", NULL},
    {"MATERIALIZED TABLES", "materialized table name", NULL},
};

static WeirResult *show_only(WeirSession *session, const AstStatement *statement,
                             const OnlyName *only)
{
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    result_set_columns(result, &only->column, 1);
    if (only->name != NULL && shown(statement, only->name))
        result_add_row(result, &only->name);
    return result;
}

static WeirResult *show_full_modules(WeirSession *session)
{
    static const char *const columns[] = {"module name", "used"}, *const cells[] = {"core", "TRUE"};
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    result_set_columns(result, columns, array_count(columns));
    result_add_row(result, cells);
    return result;
}

static WeirResult *show_jobs(WeirSession *session)
{
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    static const char *const columns[] = {"job id",   "job name",        "status",    "rows in",
                                          "rows out", "last checkpoint", "late rows", "watermark"};
    result_set_columns(result, columns, array_count(columns));
    for (uint32_t i = 0; i < session->job_count; i++) {
        WeirJobStatus status;
        session_job_describe(session->jobs[i], &status);
        Arena *arena = result->arena;
        const char *cells[] = {
            status.id,
            status.name,
            status.state,
            arena_printf(arena, "%llu", (unsigned long long)status.rows_in),
            arena_printf(arena, "%llu", (unsigned long long)status.rows_out),
            status.checkpoint_epoch == 0 ? NULL
                                         : arena_printf(arena, "%llu (%.1f s ago)",
                                                        (unsigned long long)status.checkpoint_epoch,
                                                        status.checkpoint_seconds_ago),
            arena_printf(arena, "%llu", (unsigned long long)status.late_rows),
            status.watermark[0] == '\0'
                ? NULL
                : arena_printf(arena, "%s (table \"%s\"%s%s, for %.1f s)", status.watermark,
                               status.watermark_table,
                               status.watermark_split[0] == '\0' ? "" : ", ",
                               status.watermark_split, status.watermark_stands_seconds),
        };
        result_add_row(result, cells);
    }
    return result;
}

static WeirResult *show_create(WeirSession *session, const AstStatement *statement, Error *error)
{
    Buffer text = {0};
    bool view = strcmp(statement->object, "CREATE VIEW") == 0;
    WeirResult *result = NULL;
    if (catalog_show_create(session->catalog, &statement->name, view, &text, error)) {
        result = result_new(session, WEIR_RESULT_ROWS);
        result_set_columns(result, &(const char *){"result"}, 1);
        result_add_row(result, &(const char *){buffer_text(&text)});
    }
    buffer_deinit(&text);
    return result;
}

/* DESCRIBE table, SHOW COLUMNS. */
static WeirResult *describe_table(WeirSession *session, const AstStatement *statement, Error *error)
{
    const TimeZone *zone;
    if (!session_zone(session, &zone, error))
        return NULL;
    PlannerConfig config = session_planner_config(session, zone);
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    static const char *const columns[] = {"name",   "type",      "null",   "key",
                                          "extras", "watermark", "comment"};
    const ColumnInfo *infos;
    uint32_t count;
    if (!catalog_describe(session->catalog, &statement->name, &config, result->arena, &infos,
                          &count, error)) {
        weir_result_free(result);
        return NULL;
    }
    bool commented = false;
    for (uint32_t i = 0; i < count; i++)
        commented = commented || infos[i].comment != NULL;
    result_set_columns(result, columns, (uint32_t)array_count(columns) - (commented ? 0 : 1));
    for (uint32_t i = 0; i < count; i++) {
        const ColumnInfo *info = &infos[i];
        const char *cells[] = {info->name,   info->type,   info->nullable ? "TRUE" : "FALSE",
                               info->key,    info->extras, info->watermark,
                               info->comment};
        if (shown(statement, info->name))
            result_add_row(result, cells);
    }
    return result;
}

/* FROM catalog or database, where that is what stands behind it. */
static bool check_owner(const AstStatement *statement, Error *error)
{
    const char *object = statement->object;
    if (statement->name.part_count == 0 || strcmp(object, "COLUMNS") == 0 ||
        strncmp(object, "CREATE ", 7) == 0)
        return true;
    return catalog_check_owner(&statement->name, strcmp(object, "DATABASES") == 0, error);
}

WeirResult *session_show(WeirSession *session, const AstStatement *statement, Error *error)
{
    const char *object = statement->object;
    if (!check_owner(statement, error))
        return NULL;
    for (size_t i = 0; i < array_count(only_names); i++)
        if (strcmp(object, only_names[i].object) == 0)
            return show_only(session, statement, &only_names[i]);
    if (strcmp(object, "TABLES") == 0)
        return show_names(session, statement, "table name");
    if (strcmp(object, "VIEWS") == 0)
        return show_names(session, statement, "view name");
    if (strcmp(object, "FUNCTIONS") == 0)
        return show_functions(session, statement, true);
    if (strcmp(object, "USER FUNCTIONS") == 0)
        return show_functions(session, statement, false);
    if (strcmp(object, "JOBS") == 0)
        return show_jobs(session);
    if (strcmp(object, "JARS") == 0)
        return session_show_libraries(session);
    if (strcmp(object, "FULL MODULES") == 0)
        return show_full_modules(session);
    if (strcmp(object, "COLUMNS") == 0)
        return describe_table(session, statement, error);
    return show_create(session, statement, error);
}

static WeirResult *describe_catalog(WeirSession *session, const AstStatement *statement,
                                    Error *error)
{
    static const char *const columns[] = {"info name", "info value"};
    static const char *const rows[][2] = {
        {"name", "default_catalog"},
        {"type", "generic_in_memory"},
        {"comment", NULL},
        {"option:type", "generic_in_memory"}, /* EXTENDED */
    };
    if (!catalog_check_owner(&statement->name, true, error))
        return NULL;
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    result_set_columns(result, columns, array_count(columns));
    for (size_t i = 0; i < array_count(rows) - (statement->extended ? 0 : 1); i++)
        result_add_row(result, rows[i]);
    return result;
}

WeirResult *session_describe(WeirSession *session, const AstStatement *statement, Error *error)
{
    if (strcmp(statement->object, "JOB") == 0)
        return session_describe_job(session, statement, error);
    if (strcmp(statement->object, "FUNCTION") == 0)
        return session_describe_function(session, statement, error);
    if (strcmp(statement->object, "CATALOG") == 0)
        return describe_catalog(session, statement, error);
    return describe_table(session, statement, error);
}

WeirResult *session_list_config(WeirSession *session)
{
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    static const char *const columns[] = {"key", "value"};
    result_set_columns(result, columns, 2);
    for (const OptionSpec *spec = config_specs(); spec->name != NULL; spec++) {
        const char *cells[] = {spec->name, config_get(session->config, spec->name)};
        result_add_row(result, cells);
    }
    return result;
}
