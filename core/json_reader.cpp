/* The only file that sees simdjson. Errors travel as codes; no exception leaves or enters.
 *
 * Strings without escapes and keys are handed out where they lie in the input. */
#include "core/json_reader.h"

#include <cstring>
#include <new>

#include <simdjson.h>

using namespace simdjson;

struct JsonReader {
    ondemand::parser parser;
    error_code problem = SUCCESS;
};

struct JsonValue {
    ondemand::value &value;
    JsonReader *reader;
    std::string_view token; /* as it stands there; of objects and arrays the bracket */
    JsonKind kind;
    bool taken; /* simdjson has moved past its start, or it was found to be good */
};

namespace
{

/* Of values nobody asked for; those that are read are as deep as their type. */
const int NESTING_MAX = 256;

JsonStatus fail(JsonReader *reader, error_code problem)
{
    reader->problem = problem;
    return JSON_MALFORMED;
}

Str str_of_view(std::string_view view)
{
    return Str{view.data(), view.size()};
}

std::string_view trim_end(std::string_view text)
{
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ')
        text.remove_suffix(1);
    return text;
}

/* The key's text: as it lies there up to its quote, unless a backslash is in it. */
error_code key_of(simdjson_result<ondemand::field> &field, Str *key)
{
    ondemand::raw_json_string raw;
    error_code problem = field.key().get(raw);
    if (problem != SUCCESS)
        return problem;
    const char *start = raw.raw();
    const char *end = start;
    while (*end != '"' && *end != '\\')
        end++;
    if (*end == '"') {
        *key = Str{start, static_cast<size_t>(end - start)};
        return SUCCESS;
    }
    std::string_view text;
    problem = field.unescaped_key().get(text);
    *key = str_of_view(text);
    return problem;
}

JsonKind kind_of(std::string_view token)
{
    if (token.empty())
        return JSON_INVALID;
    switch (token.front()) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return token == "true" ? JSON_TRUE : JSON_INVALID;
    case 'f':
        return token == "false" ? JSON_FALSE : JSON_INVALID;
    case 'n':
        return token == "null" ? JSON_NULL : JSON_INVALID;
    default:
        return token.front() == '-' || (token.front() >= '0' && token.front() <= '9')
                   ? JSON_NUMBER
                   : JSON_INVALID;
    }
}

bool take_digits(const char **at, const char *end)
{
    const char *start = *at;
    while (*at != end && **at >= '0' && **at <= '9')
        ++*at;
    return *at != start;
}

JsonValue look_at(ondemand::value &value, JsonReader *reader)
{
    std::string_view token = trim_end(value.raw_json_token());
    return JsonValue{value, reader, token, kind_of(token), false};
}

error_code pass(const JsonValue &value, int depth);

error_code pass_object(ondemand::object &object, int depth)
{
    for (auto field : object) {
        Str key;
        ondemand::value content;
        error_code problem = field.error();
        if (problem == SUCCESS)
            problem = key_of(field, &key);
        if (problem == SUCCESS)
            problem = field.value().get(content);
        if (problem == SUCCESS)
            problem = pass(look_at(content, nullptr), depth + 1);
        if (problem != SUCCESS)
            return problem;
    }
    return SUCCESS;
}

error_code pass_array(ondemand::array &array, int depth)
{
    for (auto item : array) {
        ondemand::value content;
        error_code problem = item.get(content);
        if (problem == SUCCESS)
            problem = pass(look_at(content, nullptr), depth + 1);
        if (problem != SUCCESS)
            return problem;
    }
    return SUCCESS;
}

/* Walks a value that nobody asked for; simdjson alone would only count its brackets. */
error_code pass(const JsonValue &value, int depth)
{
    ondemand::raw_json_string ignored;
    ondemand::object object;
    ondemand::array array;
    error_code problem;
    if (depth > NESTING_MAX)
        return DEPTH_ERROR;
    switch (value.kind) {
    case JSON_STRING:
        return value.value.get_raw_json_string().get(ignored);
    case JSON_OBJECT:
        problem = value.value.get_object().get(object);
        return problem == SUCCESS ? pass_object(object, depth) : problem;
    case JSON_ARRAY:
        problem = value.value.get_array().get(array);
        return problem == SUCCESS ? pass_array(array, depth) : problem;
    case JSON_NUMBER:
        return json_number_is_valid(str_of_view(value.token)) ? SUCCESS : NUMBER_ERROR;
    case JSON_INVALID:
        return TAPE_ERROR;
    default:
        return SUCCESS;
    }
}

/* What is left of a value behind the callback. A string that was handed out where it lies has to be
 * passed too: it would be taken for a key when a colon follows. */
error_code finish(JsonValue &value)
{
    return value.taken ? SUCCESS : pass(value, 0);
}

JsonStatus walk_object(JsonReader *reader, ondemand::object &object, JsonFieldFunction callback,
                       void *context)
{
    for (auto field : object) {
        Str key;
        error_code problem = field.error();
        if (problem == SUCCESS)
            problem = key_of(field, &key);
        ondemand::value content;
        if (problem == SUCCESS)
            problem = field.value().get(content);
        if (problem != SUCCESS)
            return fail(reader, problem);
        JsonValue value = look_at(content, reader);
        if (!callback(context, key, &value))
            return reader->problem == SUCCESS ? JSON_STOPPED : JSON_MALFORMED;
        problem = finish(value);
        if (problem != SUCCESS)
            return fail(reader, problem);
    }
    return JSON_DONE;
}

JsonStatus walk_array(JsonReader *reader, ondemand::array &array, JsonElementFunction callback,
                      void *context)
{
    for (auto item : array) {
        ondemand::value content;
        error_code problem = item.get(content);
        if (problem != SUCCESS)
            return fail(reader, problem);
        JsonValue value = look_at(content, reader);
        if (!callback(context, &value))
            return reader->problem == SUCCESS ? JSON_STOPPED : JSON_MALFORMED;
        problem = finish(value);
        if (problem != SUCCESS)
            return fail(reader, problem);
    }
    return JSON_DONE;
}

error_code open_document(JsonReader *reader, Str text, ondemand::document *document)
{
    static_assert(JSON_PADDING >= SIMDJSON_PADDING, "simdjson reads that far");
    reader->problem = SUCCESS;
    return reader->parser
        .iterate(padded_string_view(text.data, text.length, text.length + JSON_PADDING))
        .get(*document);
}

/* How much of the text a document took that was walked to its end. */
size_t used_of(ondemand::document &document, Str text)
{
    const char *location;
    return document.current_location().get(location) == SUCCESS
               ? static_cast<size_t>(location - text.data)
               : text.length;
}

} // namespace

JsonReader *json_reader_new(void)
{
    return new (std::nothrow) JsonReader;
}

void json_reader_free(JsonReader *reader)
{
    delete reader;
}

const char *json_reader_problem(const JsonReader *reader)
{
    return error_message(reader->problem);
}

JsonStatus json_reader_object(JsonReader *reader, Str text, JsonFieldFunction field, void *context,
                              size_t *used)
{
    ondemand::document document;
    ondemand::object object;
    error_code problem = open_document(reader, text, &document);
    if (problem == SUCCESS)
        problem = document.get_object().get(object);
    if (problem != SUCCESS)
        return fail(reader, problem);
    JsonStatus status = walk_object(reader, object, field, context);
    *used = status == JSON_DONE ? used_of(document, text) : 0;
    return status;
}

JsonStatus json_reader_array(JsonReader *reader, Str text, JsonElementFunction element,
                             void *context, size_t *used)
{
    ondemand::document document;
    ondemand::array array;
    error_code problem = open_document(reader, text, &document);
    if (problem == SUCCESS)
        problem = document.get_array().get(array);
    if (problem != SUCCESS)
        return fail(reader, problem);
    JsonStatus status = walk_array(reader, array, element, context);
    *used = status == JSON_DONE ? used_of(document, text) : 0;
    return status;
}

JsonKind json_value_kind(JsonValue *value)
{
    return value->kind;
}

/* JSON's grammar, which is narrower than what the readers of values take. */
bool json_number_is_valid(Str text)
{
    const char *at = text.data;
    const char *end = text.data + text.length;
    if (at != end && *at == '-')
        at++;
    const char *first = at;
    if (!take_digits(&at, end) || (*first == '0' && at - first > 1))
        return false;
    if (at != end && *at == '.') {
        at++;
        if (!take_digits(&at, end))
            return false;
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at != end && (*at == '+' || *at == '-'))
            at++;
        if (!take_digits(&at, end))
            return false;
    }
    return at == end;
}

Str json_value_token(JsonValue *value)
{
    return str_of_view(value->token);
}

Str json_value_number(JsonValue *value)
{
    Str text = str_of_view(value->token);
    value->taken = json_number_is_valid(text);
    return value->taken ? text : Str{nullptr, 0};
}

bool json_value_string(JsonValue *value, Str *text)
{
    std::string_view token = value->token;
    if (token.size() >= 2 && token.back() == '"' &&
        std::memchr(token.data(), '\\', token.size()) == nullptr) {
        *text = Str{token.data() + 1, token.size() - 2};
        return true;
    }
    value->taken = true;
    error_code problem = value->value.get_string().get(token);
    value->reader->problem = problem;
    *text = str_of_view(token);
    return problem == SUCCESS;
}

bool json_value_raw(JsonValue *value, Str *text)
{
    std::string_view raw;
    error_code problem;
    value->taken = true;
    if (value->kind == JSON_ARRAY) {
        ondemand::array array;
        problem = value->value.get_array().get(array);
        if (problem == SUCCESS)
            problem = array.raw_json().get(raw);
        if (problem == SUCCESS)
            problem = array.reset().error();
        if (problem == SUCCESS)
            problem = pass_array(array, 0);
    } else {
        ondemand::object object;
        problem = value->value.get_object().get(object);
        if (problem == SUCCESS)
            problem = object.raw_json().get(raw);
        if (problem == SUCCESS)
            problem = object.reset().error();
        if (problem == SUCCESS)
            problem = pass_object(object, 0);
    }
    value->reader->problem = problem;
    *text = str_of_view(trim_end(raw));
    return problem == SUCCESS;
}

JsonStatus json_value_object(JsonValue *value, JsonFieldFunction field, void *context)
{
    ondemand::object object;
    value->taken = true;
    error_code problem = value->value.get_object().get(object);
    if (problem != SUCCESS)
        return fail(value->reader, problem);
    return walk_object(value->reader, object, field, context);
}

JsonStatus json_value_array(JsonValue *value, JsonElementFunction element, void *context)
{
    ondemand::array array;
    value->taken = true;
    error_code problem = value->value.get_array().get(array);
    if (problem != SUCCESS)
        return fail(value->reader, problem);
    return walk_array(value->reader, array, element, context);
}
