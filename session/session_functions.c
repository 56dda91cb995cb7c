/* Functions of the user's own: registered by the program around the session, or loaded from shared
 * libraries by CREATE FUNCTION.
 *
 * Invariant: a library stays loaded, and a function in memory, until the session is closed, for
 * jobs may run that call it; DROP only takes the name away. */
#include "session/session_internal.h"

#include <dlfcn.h>
#include <stdio.h>

#include "core/str.h"
#include "functions/user.h"

#define PARAMETERS_MAX 16
#define NAME_MAX_BYTES 128

/* A shared library that has been loaded. */
struct SessionLibrary {
    SessionLibrary *next;
    char *path;
    void *handle;
    const WeirLibrary *library;
};

/* -------------------------------------------------------------- signatures */

/* What is read of "(STRING, INT?) -> BIGINT". */
typedef struct SignatureReader {
    const WeirFunction *own;
    Arena *arena; /* of the functions */
    Error *error;
} SignatureReader;

/* A type as a function of C can take and give it, NULL with an error. */
static const Type *signature_type(const SignatureReader *reader, Str text)
{
    Error wrong = {0};
    text = str_trim(text);
    const Type *type = parser_parse_type(text, reader->arena, &wrong);
    if (type == NULL) {
        error_set(reader->error, ERROR_TYPE,
                  "the signature of function \"%s\" has no type \"%.*s\"", reader->own->name,
                  (int)text.length, text.data);
        error_detail(reader->error, "It is \"%s\".", reader->own->signature);
        error_hint(reader->error,
                   "Write types as in CREATE TABLE, such as BIGINT or STRING NOT NULL.");
        return NULL;
    }
    bool sized = (type_is_string(type) || type_is_bytes(type)) &&
                 !((type->kind == TYPE_VARCHAR || type->kind == TYPE_VARBINARY) &&
                   type->length == TYPE_LENGTH_MAX);
    if (!type_is_nested(type) && type->kind != TYPE_NULL && !sized)
        return type;
    error_set(reader->error, ERROR_UNSUPPORTED, "function \"%s\" cannot have %s in its signature",
              reader->own->name,
              type_text(reader->arena, type_with_nullable(reader->arena, type, true)));
    error_hint(reader->error, sized ? "Write STRING or BYTES, which take every length."
                                    : "Arrays, maps and rows are not taken: pass their parts.");
    return NULL;
}

static bool signature_fail(const SignatureReader *reader, const char *why)
{
    error_set(reader->error, ERROR_TYPE, "the signature \"%s\" of function \"%s\" cannot be read",
              reader->own->signature, reader->own->name);
    error_detail(reader->error, "%s", why);
    return error_hint(reader->error, "Write it as (STRING, BIGINT) -> DOUBLE.");
}

/* Up to the comma or parenthesis that ends a parameter; types have parentheses of their own. */
static size_t parameter_length(Str text)
{
    int depth = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (depth == 0 && (c == ',' || c == ')'))
            return i;
        depth += (c == '(' || c == '<') - (c == ')' || c == '>');
    }
    return text.length;
}

static bool signature_parameter(const SignatureReader *reader, Str text, UserFunction *function,
                                UserParameter *parameter)
{
    const UserParameter *before = function->parameter_count == 0 ? NULL : parameter - 1;
    *parameter = (UserParameter){0};
    text = signature_mark(text, &parameter->optional, &parameter->repeated);
    if (before != NULL && (before->repeated || (before->optional && !parameter->optional)))
        return signature_fail(reader, "Behind a parameter that may be left out come only such, "
                                      "and a repeated one is the last.");
    parameter->type = signature_type(reader, text);
    return parameter->type != NULL;
}

static bool signature_read(const SignatureReader *reader, UserFunction *function)
{
    UserParameter *parameters = arena_new_array(reader->arena, UserParameter, PARAMETERS_MAX);
    Str rest = str_trim(str_of(reader->own->signature));
    function->parameters = parameters;
    if (rest.length == 0 || rest.data[0] != '(')
        return signature_fail(reader, "It does not begin with a parenthesis.");
    rest = str_trim((Str){rest.data + 1, rest.length - 1});
    bool more = rest.length == 0 || rest.data[0] != ')';
    while (more) {
        if (function->parameter_count == PARAMETERS_MAX)
            return signature_fail(reader, "It has more than 16 parameters.");
        size_t length = parameter_length(rest);
        if (length == rest.length)
            return signature_fail(reader, "Its parenthesis is not closed.");
        if (!signature_parameter(reader, (Str){rest.data, length}, function,
                                 &parameters[function->parameter_count]))
            return false;
        function->parameter_count++;
        more = rest.data[length] == ',';
        rest = (Str){rest.data + length + (more ? 1 : 0), rest.length - length - (more ? 1 : 0)};
    }
    rest = str_trim((Str){rest.data + 1, rest.length - 1});
    if (rest.length < 2 || memcmp(rest.data, "->", 2) != 0)
        return signature_fail(reader, "It does not name a result behind \"->\".");
    function->result = signature_type(reader, (Str){rest.data + 2, rest.length - 2});
    return function->result != NULL;
}

/* ------------------------------------------------------------------- adding */

/* Where a function comes from, for DESCRIBE FUNCTION. */
typedef struct FunctionOrigin {
    const char *name; /* in SQL */
    const char *library;
    bool temporary;
} FunctionOrigin;

static bool name_is_allowed(const char *name, Error *error)
{
    if (name == NULL || name[0] == '\0' || strlen(name) > NAME_MAX_BYTES)
        return error_set(error, ERROR_NAME, "the name of a function has 1 to %d bytes",
                         NAME_MAX_BYTES);
    if (!planner_has_function(name))
        return true;
    error_set(error, ERROR_NAME, "function \"%s\" is built in", name);
    return error_hint(error, "Give yours another name.");
}

/* Whether everything is there; NULL with an error. The function lies in the set's arena and is not
 * in the set yet. */
static UserFunction *function_make(WeirSession *session, const WeirFunction *own,
                                   const FunctionOrigin *origin, Error *error)
{
    Arena *arena = user_functions_arena(session->functions);
    if (own->signature == NULL || own->compute == NULL ||
        (own->flags & ~(unsigned)(WEIR_NOT_DETERMINISTIC | WEIR_TAKES_NULL)) != 0) {
        error_set(error, ERROR_OPTION,
                  "function \"%s\" lacks a signature or compute, or has unknown flags", own->name);
        return NULL;
    }
    UserFunction *function = arena_new_one(arena, UserFunction);
    function->own = *own;
    function->own.name = arena_strdup(arena, origin->name);
    function->own.signature = arena_strdup(arena, own->signature);
    function->own.doc = own->doc == NULL ? NULL : arena_strdup(arena, own->doc);
    function->library = origin->library == NULL ? NULL : arena_strdup(arena, origin->library);
    function->symbol = arena_strdup(arena, own->name);
    function->temporary = origin->temporary;
    SignatureReader reader = {own, arena, error};
    return signature_read(&reader, function) ? function : NULL;
}

WeirStatus weir_add_function(WeirSession *session, const struct WeirFunction *own,
                             void (*destroy)(void *user))
{
    Error error = {0};
    FunctionOrigin origin = {own->name, NULL, true};
    const UserFunction *other =
        own->name == NULL ? NULL : user_function_find(session->functions, own->name);
    UserFunction *function = NULL;
    if (other != NULL && other->library != NULL) {
        error_set(&error, ERROR_NAME, "function \"%s\" exists already", own->name);
        error_hint(&error, "DROP FUNCTION it first.");
    } else if (name_is_allowed(own->name, &error)) {
        function = function_make(session, own, &origin, &error);
    }
    if (function == NULL)
        return session_fail(session, &error, NULL);
    function->destroy = destroy;
    user_functions_add(session->functions, function);
    return WEIR_OK;
}

/* ---------------------------------------------------------------- libraries */

static bool library_check(const WeirLibrary *library, const char *path, Error *error)
{
    if (library == NULL) {
        error_set(error, ERROR_NAME, "library \"%s\" has no functions", path);
        return error_hint(error, "It must export weir_library, as weir_function.h tells.");
    }
    if (library->abi == WEIR_FUNCTION_ABI && library->functions != NULL)
        return true;
    error_set(error, ERROR_UNSUPPORTED,
              "library \"%s\" was made for version %u of weir_function.h, this is version %d", path,
              library->abi, WEIR_FUNCTION_ABI);
    return error_hint(error, "Compile it again with this program's weir_function.h.");
}

/* Loads the library, once; a path without folders is a file of the current one, not searched for.
 */
static const WeirLibrary *library_load(WeirSession *session, const char *path, Error *error)
{
    for (SessionLibrary *at = session->libraries; at != NULL; at = at->next)
        if (strcmp(at->path, path) == 0)
            return at->library;
    Buffer file = {0};
    buffer_printf(&file, "%s%s", strchr(path, '/') == NULL ? "./" : "", path);
    void *handle = dlopen(buffer_text(&file), RTLD_NOW | RTLD_LOCAL);
    buffer_deinit(&file);
    if (handle == NULL) {
        const char *why = dlerror();
        error_set(error, ERROR_IO, "library \"%s\" could not be loaded", path);
        error_detail(error, "The system says: %s.", why);
        error_hint(error, "A path that does not begin with / is relative to the folder the program "
                          "was started in.");
        return NULL;
    }
    const WeirLibrary *library = dlsym(handle, "weir_library");
    if (!library_check(library, path, error)) {
        dlclose(handle);
        return NULL;
    }
    SessionLibrary *loaded = memory_zalloc(sizeof(*loaded));
    *loaded = (SessionLibrary){session->libraries, memory_strdup(path), handle, library};
    session->libraries = loaded;
    return library;
}

WeirResult *session_show_libraries(WeirSession *session)
{
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    result_set_columns(result, &(const char *){"jars"}, 1);
    for (const SessionLibrary *at = session->libraries; at != NULL; at = at->next)
        result_add_row(result, &(const char *){at->path});
    return result;
}

void session_functions_free(WeirSession *session)
{
    user_functions_free(session->functions);
    while (session->libraries != NULL) {
        SessionLibrary *library = session->libraries;
        session->libraries = library->next;
        dlclose(library->handle);
        memory_free(library->path);
        memory_free(library);
    }
}

static bool symbol_unknown(const WeirLibrary *library, const AstFunction *ast, const char *path,
                           Error *error)
{
    const char *names[64];
    size_t count = 0;
    for (const WeirFunction *own = library->functions; own->name != NULL && count < 64; own++)
        names[count++] = own->name;
    error_set(error, ERROR_NAME, "library \"%s\" has no function \"%s\"", path, ast->symbol);
    const char *near = str_nearest(ast->symbol, names, count);
    Buffer list = {0};
    for (size_t i = 0; i < count; i++)
        buffer_printf(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
    if (near != NULL)
        error_hint(error, "Did you mean \"%s\"?", near);
    else
        error_hint(error, "It has: %s.", buffer_text(&list));
    buffer_deinit(&list);
    return error_at(error, ast->symbol_place.offset, ast->symbol_place.length);
}

/* Makes every overload that the library has under the symbol; how many, 0 with an error. */
static uint32_t symbol_make(WeirSession *session, const AstFunction *ast,
                            const FunctionOrigin *origin, UserFunction **out, uint32_t capacity,
                            Error *error)
{
    const WeirLibrary *library = library_load(session, origin->library, error);
    if (library == NULL) {
        error_at(error, ast->library_place.offset, ast->library_place.length);
        return 0;
    }
    uint32_t count = 0;
    for (const WeirFunction *own = library->functions; own->name != NULL; own++) {
        if (strcmp(own->name, ast->symbol) != 0)
            continue;
        if (count == capacity) {
            error_set(error, ERROR_LIMIT, "function \"%s\" has more than %u signatures",
                      ast->symbol, capacity);
            return 0;
        }
        out[count] = function_make(session, own, origin, error);
        if (out[count++] == NULL) {
            error_at(error, ast->symbol_place.offset, ast->symbol_place.length);
            return 0;
        }
    }
    if (count == 0)
        symbol_unknown(library, ast, origin->library, error);
    return count;
}

/* --------------------------------------------------------------- statements */

static bool function_unknown(const WeirSession *session, const char *name, const AstName *place,
                             Error *error)
{
    const char *names[256];
    size_t count = 0;
    const UserFunction *function;
    while (count < array_count(names) &&
           (function = user_function_at(session->functions, (uint32_t)count)) != NULL)
        names[count++] = function->base.name;
    if (planner_has_function(name)) {
        error_set(error, ERROR_NAME, "function \"%s\" is built in", name);
        return error_at(error, place->place.offset, place->place.length);
    }
    error_set(error, ERROR_NAME, "function \"%s\" does not exist", name);
    const char *near = str_nearest(name, names, count);
    if (near != NULL)
        error_hint(error, "Did you mean \"%s\"?", near);
    else
        error_hint(error, "SHOW USER FUNCTIONS lists those that CREATE FUNCTION has made.");
    return error_at(error, place->place.offset, place->place.length);
}

/* CREATE, and ALTER once the function is known to be there. */
static bool function_define(WeirSession *session, const AstFunction *ast, const char *name,
                            const UserFunction *before, Error *error)
{
    UserFunction *made[PARAMETERS_MAX];
    FunctionOrigin origin = {name, ast->library, ast->temporary};
    if (origin.library == NULL)
        origin.library = before->library;
    if (origin.library == NULL) {
        error_set(error, ERROR_UNSUPPORTED, "function \"%s\" does not come from a library", name);
        error_hint(error, "Add USING LIBRARY 'file.so'.");
        return error_at(error, ast->name.place.offset, ast->name.place.length);
    }
    uint32_t count = symbol_make(session, ast, &origin, made, array_count(made), error);
    if (count == 0)
        return false;
    user_functions_remove(session->functions, name);
    for (uint32_t i = 0; i < count; i++)
        user_functions_add(session->functions, made[i]);
    return true;
}

static bool function_apply(WeirSession *session, const AstFunction *ast, Error *error)
{
    const char *name = catalog_object_name(&ast->name, error);
    if (name == NULL)
        return false;
    const UserFunction *before = user_function_find(session->functions, name);
    if (ast->action == AST_FUNCTION_CREATE) {
        if (before != NULL && ast->if_exists)
            return true;
        if (before != NULL) {
            error_set(error, ERROR_NAME, "function \"%s\" exists already", name);
            error_hint(error, "DROP FUNCTION it first, or use IF NOT EXISTS.");
        }
        if (before != NULL || !name_is_allowed(name, error))
            return error_at(error, ast->name.place.offset, ast->name.place.length);
        return function_define(session, ast, name, NULL, error);
    }
    if (before == NULL)
        return ast->if_exists || function_unknown(session, name, &ast->name, error);
    if (ast->action == AST_FUNCTION_ALTER)
        return function_define(session, ast, name, before, error);
    user_functions_remove(session->functions, name);
    return true;
}

WeirResult *session_apply_function(WeirSession *session, const AstFunction *ast, Error *error)
{
    return function_apply(session, ast, error) ? result_new(session, WEIR_RESULT_DONE) : NULL;
}

/* -------------------------------------------------------- DESCRIBE FUNCTION */

/* What is told of a function, whatever kind it has. */
typedef struct FunctionText {
    const UserFunction *own; /* NULL: built in */
    const char *kind;
    bool deterministic;
    Buffer signatures;
    const char *doc;
} FunctionText;

static void text_add(FunctionText *text, const char *kind, bool deterministic, const char *name,
                     const char *signature, const char *doc)
{
    if (text->kind == NULL) {
        text->kind = kind;
        text->deterministic = deterministic;
        text->doc = doc;
    }
    buffer_printf(&text->signatures, "%s%s%s", text->signatures.length == 0 ? "" : "; ",
                  signature[0] == '(' ? name : "", signature);
}

static void text_add_scalar(FunctionText *text, const ScalarFunction *function, const char *name)
{
    if (text_equal_nocase(function->name, name) && (function->flags & FUNCTION_HIDDEN) == 0)
        text_add(text, "SCALAR", (function->flags & FUNCTION_NOT_DETERMINISTIC) == 0,
                 function->name, function->signature, function->doc);
}

static void function_find(const WeirSession *session, const char *name, FunctionText *text)
{
    text->own = user_function_find(session->functions, name);
    const ScalarFunction *function;
    for (uint32_t i = 0; (function = function_at(i)) != NULL; i++)
        text_add_scalar(text, function, name);
    const UserFunction *own;
    for (uint32_t i = 0; (own = user_function_at(session->functions, i)) != NULL; i++)
        text_add_scalar(text, &own->base, name);
    const AggregateFunction *aggregate;
    for (uint32_t i = 0; (aggregate = aggregate_at(i)) != NULL; i++)
        if (text_equal_nocase(aggregate->name, name))
            text_add(text, "AGGREGATE", true, aggregate->name, aggregate->signature,
                     aggregate->doc);
    const WindowFunction *window = window_function_find(name);
    if (window != NULL && !window->is_aggregate)
        text_add(text, "AGGREGATE", true, window->name, window->signature, window->doc);
}

static void add_info(WeirResult *result, const char *name, const char *value)
{
    const char *cells[] = {name, value};
    result_add_row(result, cells);
}

static void add_boolean(WeirResult *result, const char *name, bool value)
{
    add_info(result, name, value ? "true" : "false");
}

WeirResult *session_describe_function(WeirSession *session, const AstStatement *statement,
                                      Error *error)
{
    const char *name = catalog_object_name(&statement->name, error);
    if (name == NULL)
        return NULL;
    FunctionText text = {0};
    function_find(session, name, &text);
    if (text.kind == NULL) {
        error_set(error, ERROR_NAME, "function \"%s\" does not exist", name);
        error_hint(error, "SHOW FUNCTIONS lists what there is.");
        error_at(error, statement->name.place.offset, statement->name.place.length);
        return NULL;
    }
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    static const char *const columns[] = {"info name", "info value"};
    result_set_columns(result, columns, array_count(columns));
    add_boolean(result, "is system function", text.own == NULL);
    add_boolean(result, "is temporary", text.own != NULL && text.own->temporary);
    if (text.own != NULL) {
        add_info(result, "class name", text.own->symbol);
        add_info(result, "function language", "C");
        add_info(result, "resource uris", text.own->library);
    }
    if (statement->extended) {
        add_info(result, "kind", text.kind);
        add_boolean(result, "is deterministic", text.deterministic);
        add_boolean(result, "supports constant folding", text.deterministic);
        add_info(result, "signature", buffer_text(&text.signatures));
        add_info(result, "description", text.doc);
    }
    buffer_deinit(&text.signatures);
    return result;
}
