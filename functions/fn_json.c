/* Values in JSON text: JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_QUOTE, JSON_UNQUOTE.
 *
 * What SQL writes behind the path (RETURNING INTEGER, NULL ON EMPTY, WITH WRAPPER) comes as text
 * literals, a word each; binding reads them. A literal path is read then too.
 *
 * Cost: one pass over a row's text (json_path.h). */
#include "core/json_text.h"
#include "core/str.h"
#include "core/value_text.h"
#include "functions/json_path.h"
#include "functions/kernel_internal.h"

#define NO_ARGUMENT UINT32_MAX

typedef enum Answer {
    ANSWER_NULL,
    ANSWER_DEFAULT,
    ANSWER_EMPTY_ARRAY,
    ANSWER_EMPTY_OBJECT,
    ANSWER_TRUE,
    ANSWER_FALSE,
    ANSWER_ERROR
} Answer;

typedef enum Wrapper { WRAPPER_NONE, WRAPPER_CONDITIONAL, WRAPPER_ALWAYS } Wrapper;

typedef struct JsonPlan {
    const ScalarFunction *function;
    JsonPath path;
    bool has_path; /* it is a literal */
    Wrapper wrapper;
    Answer on_empty, on_error;
    uint32_t empty_default, error_default; /* arguments, or NO_ARGUMENT */
    const Type *returns;
} JsonPlan;

/* ---------------------------------------------------------------------- binding */

typedef struct ClauseReader {
    const FunctionSite *site;
    const ScalarFunction *function;
    JsonPlan *plan;
    uint32_t at; /* the argument that comes next */
    Error *error;
} ClauseReader;

static bool next_is(ClauseReader *reader, const char *word)
{
    Str text;
    if (reader->at >= reader->site->argument_count ||
        !bind_literal_text(reader->site, reader->at, &text) ||
        !str_equal_nocase(text, str_of(word)))
        return false;
    reader->at++;
    return true;
}

static bool clause_error(ClauseReader *reader)
{
    Str text;
    if (bind_literal_text(reader->site, reader->at, &text))
        error_set(reader->error, ERROR_SYNTAX, "%s does not understand \"%.*s\" behind the path",
                  reader->function->name, (int)u64_min(text.length, 100), text.data);
    else
        error_set(reader->error, ERROR_SYNTAX, "what stands behind the path of %s is not complete",
                  reader->function->name);
    return error_hint(reader->error, "It is written %s%s.", reader->function->name,
                      reader->function->signature);
}

static bool read_returning(ClauseReader *reader)
{
    const bool is_query = reader->function->name[5] == 'Q';
    static const struct {
        const char *word;
        const Type *type;
    } types[] = {{"STRING", &type_string}, {"VARCHAR", &type_string}, {"BOOLEAN", &type_boolean},
                 {"INTEGER", &type_int},   {"INT", &type_int},        {"BIGINT", &type_bigint},
                 {"DOUBLE", &type_double}};
    for (size_t i = 0; i < array_count(types); i++) {
        if (!next_is(reader, types[i].word))
            continue;
        if (is_query && !type_is_string(types[i].type))
            break;
        reader->plan->returns = types[i].type;
        return true;
    }
    error_set(reader->error, ERROR_UNSUPPORTED, "%s does not return this type",
              reader->function->name);
    return error_hint(reader->error, is_query
                                         ? "RETURNING takes STRING; CAST that."
                                         : "RETURNING takes STRING, BOOLEAN, INTEGER, BIGINT or "
                                           "DOUBLE; CAST the rest.");
}

static bool read_wrapper(ClauseReader *reader, bool with)
{
    reader->plan->wrapper = !with                            ? WRAPPER_NONE
                            : next_is(reader, "CONDITIONAL") ? WRAPPER_CONDITIONAL
                                                             : WRAPPER_ALWAYS;
    if (with && reader->plan->wrapper == WRAPPER_ALWAYS)
        (void)next_is(reader, "UNCONDITIONAL");
    (void)next_is(reader, "ARRAY");
    return next_is(reader, "WRAPPER") || clause_error(reader);
}

/* DEFAULT x, NULL, ERROR, EMPTY ARRAY, TRUE … */
static bool read_answer(ClauseReader *reader, Answer *answer, uint32_t *argument)
{
    *argument = NO_ARGUMENT;
    if (next_is(reader, "DEFAULT")) {
        *answer = ANSWER_DEFAULT;
        *argument = reader->at++;
        return *argument < reader->site->argument_count || clause_error(reader);
    }
    if (next_is(reader, "EMPTY")) {
        *answer = next_is(reader, "OBJECT") ? ANSWER_EMPTY_OBJECT : ANSWER_EMPTY_ARRAY;
        return *answer == ANSWER_EMPTY_OBJECT || next_is(reader, "ARRAY") || clause_error(reader);
    }
    static const struct {
        const char *word;
        Answer answer;
    } words[] = {{"NULL", ANSWER_NULL},
                 {"UNKNOWN", ANSWER_NULL},
                 {"ERROR", ANSWER_ERROR},
                 {"TRUE", ANSWER_TRUE},
                 {"FALSE", ANSWER_FALSE}};
    for (size_t i = 0; i < array_count(words); i++)
        if (next_is(reader, words[i].word)) {
            *answer = words[i].answer;
            return true;
        }
    return clause_error(reader);
}

/* Which answers a function has; the clauses are the same for all. */
static bool answer_fits(const ClauseReader *reader, Answer answer)
{
    switch (reader->function->name[5]) {
    case 'V': /* JSON_VALUE */
        return answer == ANSWER_NULL || answer == ANSWER_DEFAULT || answer == ANSWER_ERROR;
    case 'Q': /* JSON_QUERY */
        return answer == ANSWER_NULL || answer == ANSWER_EMPTY_ARRAY ||
               answer == ANSWER_EMPTY_OBJECT || answer == ANSWER_ERROR;
    default: /* JSON_EXISTS */
        return answer == ANSWER_NULL || answer == ANSWER_TRUE || answer == ANSWER_FALSE ||
               answer == ANSWER_ERROR;
    }
}

static bool read_clause(ClauseReader *reader)
{
    const char kind = reader->function->name[5];
    const uint32_t start = reader->at;
    if (kind != 'E' && next_is(reader, "RETURNING"))
        return read_returning(reader);
    if (kind == 'Q' && next_is(reader, "WITH"))
        return read_wrapper(reader, true);
    if (kind == 'Q' && next_is(reader, "WITHOUT"))
        return read_wrapper(reader, false);
    Answer answer = ANSWER_NULL;
    uint32_t argument;
    if (!read_answer(reader, &answer, &argument))
        return false;
    if (!answer_fits(reader, answer) || !next_is(reader, "ON")) {
        reader->at = start;
        return clause_error(reader);
    }
    if (kind != 'E' && next_is(reader, "EMPTY")) {
        reader->plan->on_empty = answer;
        reader->plan->empty_default = argument;
        return true;
    }
    reader->plan->on_error = answer;
    reader->plan->error_default = argument;
    return next_is(reader, "ERROR") || clause_error(reader);
}

static bool check_default(const ClauseReader *reader, const Type **types, uint32_t argument)
{
    const Type *to = reader->plan->returns;
    if (argument == NO_ARGUMENT)
        return true;
    if (types[argument]->kind != TYPE_NULL && !cast_is_implicit(types[argument], to)) {
        Buffer text = {0};
        type_print(to, &text);
        error_set(reader->error, ERROR_TYPE, "DEFAULT does not fit what %s returns: %s",
                  reader->function->name, buffer_text(&text));
        buffer_deinit(&text);
        return error_hint(reader->error, "CAST it, or say another type behind RETURNING.");
    }
    types[argument] = to;
    return true;
}

static bool bind_json(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                      Error *error)
{
    if (site->argument_count < 2)
        return false;
    const Type **types = bind_begin(site, function, &type_string, out);
    if (!type_is_string(types[0]) || !type_is_string(types[1]))
        return false;
    JsonPlan *plan = arena_new_one(site->arena, JsonPlan);
    const bool exists = function->name[5] == 'E';
    *plan = (JsonPlan){.function = function,
                       .returns = exists ? &type_boolean : &type_string,
                       .on_error = exists ? ANSWER_FALSE : ANSWER_NULL,
                       .empty_default = NO_ARGUMENT,
                       .error_default = NO_ARGUMENT};
    Str path;
    plan->has_path = bind_literal_text(site, 1, &path);
    if (plan->has_path && !json_path_parse(site->arena, path, &plan->path, error))
        return false;
    ClauseReader reader = {site, function, plan, 2, error};
    while (reader.at < site->argument_count)
        if (!read_clause(&reader))
            return false;
    if (!check_default(&reader, types, plan->empty_default) ||
        !check_default(&reader, types, plan->error_default))
        return false;
    out->result = plan->returns;
    out->kernel = function->kernel;
    out->data = plan;
    return true;
}

/* ---------------------------------------------------------------------- running */

typedef struct JsonRun {
    KernelCall *call;
    const JsonPlan *plan;
    JsonFinder finder;
    JsonPath path; /* of the row */
    Buffer unquoted;
    uint32_t row;
    Error *error;
} JsonRun;

static bool put_answer(JsonRun *run, Answer answer, uint32_t argument, JsonOutcome outcome)
{
    KernelCall *call = run->call;
    static const char *const reasons[] = {"what the path finds does not fit", "there is nothing",
                                          "the text is no JSON", "the path leads nowhere"};
    switch (answer) {
    case ANSWER_NULL:
        kernel_put_null(call, run->row);
        return true;
    case ANSWER_DEFAULT:
        vector_copy_value(call->out, run->row, call->args[argument],
                          vector_index(call->args[argument], run->row), call->arena, true);
        return true;
    case ANSWER_EMPTY_ARRAY:
        kernel_put_str(call, run->row, STR("[]"));
        return true;
    case ANSWER_EMPTY_OBJECT:
        kernel_put_str(call, run->row, STR("{}"));
        return true;
    case ANSWER_TRUE:
    case ANSWER_FALSE:
        ((uint8_t *)call->out->data)[run->row] = answer == ANSWER_TRUE;
        return true;
    default:
        kernel_fail(call, run->row, run->error, ERROR_DATA, "%s: %s", run->plan->function->name,
                    reasons[outcome]);
        return error_hint(run->error, "ERROR ON %s was asked for.",
                          outcome == JSON_EMPTY ? "EMPTY" : "ERROR");
    }
}

static bool put_empty(JsonRun *run)
{
    return put_answer(run, run->plan->on_empty, run->plan->empty_default, JSON_EMPTY);
}

static bool put_error(JsonRun *run, JsonOutcome outcome)
{
    return put_answer(run, run->plan->on_error, run->plan->error_default, outcome);
}

static bool found_is_scalar(const JsonRun *run)
{
    return run->finder.kind != JSON_OBJECT && run->finder.kind != JSON_ARRAY;
}

/* What was found as a value of the type; false when it does not fit. */
static bool convert_found(JsonRun *run)
{
    Vector *out = run->call->out;
    const Buffer *found = &run->finder.found;
    const Str text = {found->data, found->length};
    const JsonKind kind = run->finder.kind;
    const bool is_boolean = kind == JSON_TRUE || kind == JSON_FALSE;
    if (type_is_string(out->type)) {
        Str plain = text;
        if (kind == JSON_STRING) {
            if (!json_finder_unquote(&run->finder, text, &run->unquoted))
                return false;
            plain = (Str){run->unquoted.data, run->unquoted.length};
        }
        kernel_put_view(run->call, run->row,
                        string_view_copy(run->call->arena, plain.data, plain.length));
        return true;
    }
    if (is_boolean != (out->type->kind == TYPE_BOOLEAN) || kind == JSON_STRING)
        return false;
    return value_parse(out, run->row, text, NULL, run->call->arena, NULL);
}

static bool value_row(JsonRun *run, JsonOutcome outcome)
{
    if (outcome == JSON_EMPTY)
        return put_empty(run);
    if (outcome != JSON_FOUND)
        return put_error(run, outcome);
    if (!found_is_scalar(run))
        return run->path.lax ? put_empty(run) : put_error(run, JSON_FOUND);
    return convert_found(run) || put_error(run, JSON_FOUND);
}

static bool query_row(JsonRun *run, JsonOutcome outcome)
{
    const Wrapper wrapper = run->plan->wrapper;
    if (outcome == JSON_EMPTY)
        return put_empty(run);
    if (outcome != JSON_FOUND)
        return put_error(run, outcome);
    const bool wraps = wrapper == WRAPPER_ALWAYS ||
                       (wrapper == WRAPPER_CONDITIONAL && run->finder.kind != JSON_ARRAY);
    if (!wraps && found_is_scalar(run))
        return run->path.lax ? put_empty(run) : put_error(run, JSON_FOUND);
    Buffer *whole = &run->unquoted;
    buffer_clear(whole);
    if (wraps)
        buffer_append_char(whole, '[');
    buffer_append_str(whole, (Str){run->finder.found.data, run->finder.found.length});
    if (wraps)
        buffer_append_char(whole, ']');
    kernel_put_view(run->call, run->row,
                    string_view_copy(run->call->arena, whole->data, whole->length));
    return true;
}

static bool exists_row(JsonRun *run, JsonOutcome outcome)
{
    if (outcome == JSON_BROKEN || outcome == JSON_ABSENT)
        return put_error(run, outcome);
    ((uint8_t *)run->call->out->data)[run->row] = outcome == JSON_FOUND;
    return true;
}

static bool find_row(JsonRun *run, bool (*answer)(JsonRun *, JsonOutcome))
{
    KernelCall *call = run->call;
    if (vector_is_null(call->args[0], run->row) || vector_is_null(call->args[1], run->row)) {
        kernel_put_null(call, run->row);
        return true;
    }
    if (!run->plan->has_path &&
        !json_path_parse(call->arena, kernel_str(call, 1, run->row), &run->path, run->error)) {
        call->error_row = run->row;
        return false;
    }
    vector_set_valid(call->out, run->row);
    return answer(run, json_finder_find(&run->finder, &run->path, kernel_str(call, 0, run->row)));
}

static bool find_rows(KernelCall *call, bool (*answer)(JsonRun *, JsonOutcome), Error *error)
{
    const JsonPlan *plan = call->data;
    JsonRun run = {.call = call, .plan = plan, .path = plan->path, .error = error};
    bool ok = true;
    json_finder_init(&run.finder);
    for (uint32_t i = 0; i < call->row_count && ok; i++) {
        run.row = kernel_row(call, i);
        ok = find_row(&run, answer);
    }
    buffer_deinit(&run.unquoted);
    json_finder_deinit(&run.finder);
    return ok;
}

static bool json_value_kernel(KernelCall *call, Error *error)
{
    return find_rows(call, value_row, error);
}

static bool json_query_kernel(KernelCall *call, Error *error)
{
    return find_rows(call, query_row, error);
}

static bool json_exists_kernel(KernelCall *call, Error *error)
{
    return find_rows(call, exists_row, error);
}

static bool json_quote_kernel(KernelCall *call, Error *error)
{
    Buffer text = {0};
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        buffer_clear(&text);
        json_print_string(kernel_str(call, 0, row), &text);
        kernel_put_view(call, row, string_view_copy(call->arena, text.data, text.length));
    }
    buffer_deinit(&text);
    return true;
}

/* What is no JSON string stays as it is. */
static bool json_unquote_kernel(KernelCall *call, Error *error)
{
    JsonFinder finder;
    Buffer text = {0};
    json_finder_init(&finder);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str quoted = kernel_str(call, 0, row);
        if (quoted.length >= 2 && quoted.data[0] == '"' &&
            json_finder_unquote(&finder, quoted, &text))
            kernel_put_view(call, row, string_view_copy(call->arena, text.data, text.length));
        else
            kernel_put_str(call, row, quoted);
    }
    buffer_deinit(&text);
    json_finder_deinit(&finder);
    return true;
}

#define CATEGORY "json"
#define FLAGS    (FUNCTION_NULL_AWARE | FUNCTION_NULLABLE_RESULT | FUNCTION_CAN_FAIL)
static const ScalarFunction functions[] = {
    {"JSON_VALUE",
     "(STRING, path [RETURNING type] [NULL|ERROR|DEFAULT x ON EMPTY] [NULL|ERROR|DEFAULT x ON "
     "ERROR])",
     json_value_kernel, bind_json, FLAGS, CATEGORY,
     "The scalar that the path finds in JSON text, as STRING or what RETURNING says."},
    {"JSON_QUERY",
     "(STRING, path [WITH|WITHOUT [CONDITIONAL|UNCONDITIONAL] [ARRAY] WRAPPER] [NULL|EMPTY "
     "ARRAY|EMPTY OBJECT|ERROR ON EMPTY|ERROR])",
     json_query_kernel, bind_json, FLAGS, CATEGORY,
     "The object or array that the path finds in JSON text, as JSON; a wildcard gives an array of "
     "all it finds."},
    {"JSON_EXISTS", "(STRING, path [TRUE|FALSE|UNKNOWN|ERROR ON ERROR])", json_exists_kernel,
     bind_json, FLAGS, CATEGORY, "Whether the path finds anything in JSON text."},
    {"JSON_QUOTE", "(STRING) -> STRING", json_quote_kernel, NULL, 0, CATEGORY,
     "The text as a JSON string: quoted and escaped."},
    {"JSON_UNQUOTE", "(STRING) -> STRING", json_unquote_kernel, NULL, 0, CATEGORY,
     "The text of a JSON string; what is none stays as it is."},
    {0},
};

extern const FunctionFamily fn_json;
const FunctionFamily fn_json = {functions};
