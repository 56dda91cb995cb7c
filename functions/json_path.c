/* Paths into JSON: reading them, and walking them down a text (json_path.h). */
#include "functions/json_path.h"

#include <ctype.h>
#include <string.h>

#include "core/str.h"

#define STEPS_MAX 64

/* ------------------------------------------------------------------ the path */

typedef struct PathReader {
    Str text;
    size_t at;
    Arena *arena;
    JsonPath *path;
    Error *error;
} PathReader;

static bool path_error(const PathReader *reader, const char *what)
{
    error_set(reader->error, ERROR_DATA, "invalid JSON path \"%.*s\": %s at character %zu",
              (int)(reader->text.length < 200 ? reader->text.length : 200), reader->text.data, what,
              reader->at + 1);
    return error_hint(reader->error, "A path is written like 'lax $.order.items[0].name'; members "
                                     "may also stand as ['name'], and * is all of them.");
}

static char peek(const PathReader *reader)
{
    return reader->at < reader->text.length ? reader->text.data[reader->at] : '\0';
}

static bool add_step(PathReader *reader, JsonStep step)
{
    JsonPath *path = reader->path;
    if (path->step_count == STEPS_MAX)
        return path_error(reader, "too many steps");
    path->is_list = path->is_list || step.kind == JSON_STEP_ALL;
    path->steps[path->step_count++] = step;
    return true;
}

/* .name, .* */
static bool read_member(PathReader *reader)
{
    reader->at++;
    if (peek(reader) == '*') {
        reader->at++;
        return add_step(reader, (JsonStep){.kind = JSON_STEP_ALL});
    }
    const size_t start = reader->at;
    while (reader->at < reader->text.length && strchr(".[]()*?@ \"'", peek(reader)) == NULL)
        reader->at++;
    if (reader->at == start)
        return path_error(reader,
                          peek(reader) == '.' ? "\"..\" is not supported" : "a name is expected");
    const Str name = {reader->text.data + start, reader->at - start};
    return add_step(reader, (JsonStep){.kind = JSON_STEP_MEMBER, .name = name});
}

static bool read_quoted(PathReader *reader, Str *name)
{
    const char quote = peek(reader);
    const size_t start = ++reader->at;
    while (reader->at < reader->text.length && peek(reader) != quote)
        reader->at++;
    if (reader->at == reader->text.length)
        return path_error(reader, "the quote is not closed");
    *name = (Str){reader->text.data + start, reader->at++ - start};
    return true;
}

/* [0], ['name'], [*] */
static bool read_bracket(PathReader *reader)
{
    JsonStep step = {.kind = JSON_STEP_INDEX};
    reader->at++;
    if (peek(reader) == '*') {
        step.kind = JSON_STEP_ALL;
        reader->at++;
    } else if (peek(reader) == '\'' || peek(reader) == '"') {
        step.kind = JSON_STEP_MEMBER;
        if (!read_quoted(reader, &step.name))
            return false;
    } else if (isdigit((unsigned char)peek(reader))) {
        for (; isdigit((unsigned char)peek(reader)); reader->at++) {
            step.index = step.index * 10 + (uint64_t)(peek(reader) - '0');
            if (step.index > UINT32_MAX)
                return path_error(reader, "the index is too large");
        }
    } else {
        return path_error(reader, "an index, a quoted name or * is expected");
    }
    if (peek(reader) != ']')
        return path_error(reader, "\"]\" is expected");
    reader->at++;
    return add_step(reader, step);
}

static void read_mode(PathReader *reader)
{
    static const char *const modes[] = {"strict", "lax"};
    for (size_t i = 0; i < array_count(modes); i++) {
        const size_t length = strlen(modes[i]);
        const Str rest = {reader->text.data + reader->at, reader->text.length - reader->at};
        if (rest.length <= length || rest.data[length] != ' ' ||
            !str_equal_nocase((Str){rest.data, length}, str_of(modes[i])))
            continue;
        reader->path->lax = i == 1;
        reader->at += length;
    }
}

static void pass_spaces(PathReader *reader)
{
    while (peek(reader) == ' ')
        reader->at++;
}

bool json_path_parse(Arena *arena, Str text, JsonPath *path, Error *error)
{
    PathReader reader = {text, 0, arena, path, error};
    *path = (JsonPath){.steps = arena_new_array(arena, JsonStep, STEPS_MAX)};
    pass_spaces(&reader);
    read_mode(&reader);
    pass_spaces(&reader);
    if (peek(&reader) != '$')
        return path_error(&reader, "\"$\" is expected");
    reader.at++;
    for (;;) {
        pass_spaces(&reader);
        bool ok;
        if (reader.at == text.length)
            return true;
        if (peek(&reader) == '.')
            ok = read_member(&reader);
        else if (peek(&reader) == '[')
            ok = read_bracket(&reader);
        else
            ok = path_error(&reader, "\".\" or \"[\" is expected");
        if (!ok)
            return false;
    }
}

/* ------------------------------------------------------------------- the walk */

typedef struct Walk {
    JsonFinder *finder;
    const JsonPath *path;
    uint32_t elements; /* of the text itself: 1 when it is one value */
    bool found;
    bool absent;
} Walk;

/* One step on its way through an object or array. */
typedef struct Level {
    Walk *walk;
    uint32_t step;
    uint64_t index;
    bool met;
} Level;

static bool walk_value(Walk *walk, uint32_t step, JsonValue *value);

/* Without the white space between its parts. */
static void append_compact(Str raw, Buffer *out)
{
    bool inside = false;
    char *to = buffer_reserve(out, raw.length);
    char *const start = to;
    for (size_t i = 0; i < raw.length; i++) {
        const char c = raw.data[i];
        if (inside && c == '\\' && i + 1 < raw.length) {
            *to++ = c;
            *to++ = raw.data[++i];
            continue;
        }
        inside = inside != (c == '"');
        if (inside || (c != ' ' && c != '\n' && c != '\t' && c != '\r'))
            *to++ = c;
    }
    out->length += (size_t)(to - start);
}

static bool take(Walk *walk, JsonValue *value)
{
    JsonFinder *finder = walk->finder;
    const JsonKind kind = json_value_kind(value);
    Str text = json_value_token(value);
    if ((kind == JSON_OBJECT || kind == JSON_ARRAY) && !json_value_raw(value, &text))
        return false;
    if (walk->path->is_list) {
        buffer_append_char(&finder->found, finder->found.length == 0 ? '[' : ',');
    } else {
        buffer_clear(&finder->found);
        finder->kind = kind;
    }
    append_compact(text, &finder->found);
    walk->found = true;
    walk->absent = false;
    return true;
}

static bool on_field(void *context, Str key, JsonValue *value)
{
    Level *level = context;
    const JsonStep *step = &level->walk->path->steps[level->step];
    if (step->kind == JSON_STEP_MEMBER && !str_equal(step->name, key))
        return true;
    level->met = true;
    return walk_value(level->walk, level->step + 1, value);
}

static bool on_element(void *context, JsonValue *value)
{
    Level *level = context;
    const JsonStep *step = &level->walk->path->steps[level->step];
    if (step->kind == JSON_STEP_INDEX && level->index++ != step->index)
        return true;
    level->met = true;
    return walk_value(level->walk, level->step + 1, value);
}

static bool walk_value(Walk *walk, uint32_t step, JsonValue *value)
{
    if (step == walk->path->step_count)
        return take(walk, value);
    const JsonStepKind wanted = walk->path->steps[step].kind;
    const JsonKind kind = json_value_kind(value);
    Level level = {.walk = walk, .step = step};
    JsonStatus status = JSON_DONE;
    if (kind == JSON_OBJECT && wanted != JSON_STEP_INDEX)
        status = json_value_object(value, on_field, &level);
    else if (kind == JSON_ARRAY && wanted != JSON_STEP_MEMBER)
        status = json_value_array(value, on_element, &level);
    if (!level.met && !walk->path->is_list)
        walk->absent = true;
    return status == JSON_DONE;
}

static bool on_text(void *context, JsonValue *value)
{
    Walk *walk = context;
    return ++walk->elements == 1 && walk_value(walk, 0, value);
}

void json_finder_init(JsonFinder *finder)
{
    *finder = (JsonFinder){.reader = json_reader_new()};
    if (finder->reader == NULL)
        memory_exhausted(sizeof(*finder));
}

void json_finder_deinit(JsonFinder *finder)
{
    json_reader_free(finder->reader);
    buffer_deinit(&finder->text);
    buffer_deinit(&finder->found);
}

/* The reader takes an object or array; in brackets any value is one. False: no JSON. */
static bool walk_text(JsonFinder *finder, Str text, JsonElementFunction element, void *context)
{
    buffer_clear(&finder->text);
    buffer_append_char(&finder->text, '[');
    buffer_append_str(&finder->text, text);
    buffer_append_char(&finder->text, ']');
    memset(buffer_reserve(&finder->text, JSON_PADDING), 0, JSON_PADDING);
    size_t used = 0;
    const Str all = {finder->text.data, finder->text.length};
    return json_reader_array(finder->reader, all, element, context, &used) == JSON_DONE &&
           used == all.length;
}

JsonOutcome json_finder_find(JsonFinder *finder, const JsonPath *path, Str text)
{
    Walk walk = {.finder = finder, .path = path};
    buffer_clear(&finder->found);
    finder->kind = path->is_list ? JSON_ARRAY : JSON_NULL;
    if (!walk_text(finder, text, on_text, &walk) || walk.elements != 1)
        return path->lax ? JSON_EMPTY : JSON_BROKEN;
    if (path->is_list) {
        buffer_append_text(&finder->found, finder->found.length == 0 ? "[]" : "]");
        return JSON_FOUND;
    }
    if (walk.absent)
        return path->lax ? JSON_EMPTY : JSON_ABSENT;
    return walk.found && finder->kind != JSON_NULL ? JSON_FOUND : JSON_EMPTY;
}

typedef struct Unquoting {
    Buffer *out;
    uint32_t elements;
} Unquoting;

static bool on_string(void *context, JsonValue *value)
{
    Unquoting *unquoting = context;
    Str text;
    if (++unquoting->elements != 1 || json_value_kind(value) != JSON_STRING ||
        !json_value_string(value, &text))
        return false;
    buffer_clear(unquoting->out);
    buffer_append_str(unquoting->out, text);
    return true;
}

bool json_finder_unquote(JsonFinder *finder, Str text, Buffer *out)
{
    Unquoting unquoting = {.out = out};
    return walk_text(finder, text, on_string, &unquoting) && unquoting.elements == 1;
}
