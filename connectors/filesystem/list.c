/* Which files a path means. */
#include "connectors/filesystem/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Folders inside folders; a link that leads back to one above it would else never end. */
#define DEPTH_MAX 64

void file_list_add(FileList *list, const char *path, uint64_t size)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        list->files = memory_realloc(list->files, list->capacity * sizeof(FoundFile));
    }
    list->files[list->count++] = (FoundFile){memory_strdup(path), size};
}

void file_list_deinit(FileList *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        memory_free(list->files[i].path);
    memory_free(list->files);
    *list = (FileList){0};
}

static pcre2_code *compile(const char *pattern, Error *error)
{
    int code;
    PCRE2_SIZE offset;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &offset, NULL);
    if (compiled != NULL)
        return compiled;
    char text[128];
    pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof(text));
    error_set(error, ERROR_OPTION,
              "option \"source.path.regex-pattern\" is no regular expression: "
              "%s at character %zu",
              text, offset + 1);
    return NULL;
}

bool file_pattern_check(const char *pattern, Error *error)
{
    pcre2_code *compiled = compile(pattern, error);
    pcre2_code_free(compiled);
    return compiled != NULL;
}

typedef struct Search {
    FileList *list;
    pcre2_code *pattern;
    pcre2_match_data *match;
    Error *error;
} Search;

static bool matches(const Search *search, const char *path)
{
    if (search->pattern == NULL)
        return true;
    char *absolute = realpath(path, NULL);
    if (absolute == NULL)
        return false;
    int found = pcre2_match(search->pattern, (PCRE2_SPTR)absolute, PCRE2_ZERO_TERMINATED, 0, 0,
                            search->match, NULL);
    free(absolute);
    return found >= 0;
}

static bool cannot_read(const char *path, Error *error)
{
    error_set(error, ERROR_IO, "could not read \"%s\": %s", path, strerror(errno));
    if (errno != ENOENT || path[0] == '/')
        return false;
    char *here = realpath(".", NULL);
    error_hint(error, "A relative path starts at \"%s\".", here == NULL ? "." : here);
    free(here);
    return false;
}

static bool search_folder(const Search *search, const char *path, uint32_t depth)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return cannot_read(path, search->error);
    if (depth == DEPTH_MAX) {
        closedir(folder);
        return error_set(search->error, ERROR_LIMIT, "folder \"%s\" is nested more than %d deep",
                         path, DEPTH_MAX);
    }
    bool good = true;
    Buffer inner = {0};
    for (struct dirent *entry; good && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.' || entry->d_name[0] == '_')
            continue;
        size_t length = strlen(path);
        buffer_clear(&inner);
        buffer_printf(&inner, "%s%s%s", path, length != 0 && path[length - 1] == '/' ? "" : "/",
                      entry->d_name);
        struct stat found;
        if (stat(buffer_text(&inner), &found) != 0)
            good = cannot_read(buffer_text(&inner), search->error);
        else if (S_ISDIR(found.st_mode))
            good = search_folder(search, buffer_text(&inner), depth + 1);
        else if (S_ISREG(found.st_mode) && matches(search, buffer_text(&inner)))
            file_list_add(search->list, buffer_text(&inner), (uint64_t)found.st_size);
    }
    buffer_deinit(&inner);
    closedir(folder);
    return good;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const FoundFile *)a)->path, ((const FoundFile *)b)->path);
}

bool file_list_find(FileList *list, const char *path, const char *pattern, Error *error)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return cannot_read(path, error);
    if (!S_ISDIR(found.st_mode)) {
        file_list_add(list, path, S_ISREG(found.st_mode) ? (uint64_t)found.st_size : 0);
        return list->complete = true;
    }
    Search search = {.list = list, .error = error};
    if (pattern != NULL) {
        search.pattern = compile(pattern, error);
        if (search.pattern == NULL)
            return false;
        search.match = pcre2_match_data_create_from_pattern(search.pattern, NULL);
    }
    bool good = search_folder(&search, path, 0);
    pcre2_match_data_free(search.match);
    pcre2_code_free(search.pattern);
    if (good && list->count != 0)
        qsort(list->files, list->count, sizeof(FoundFile), compare_paths);
    return list->complete = good;
}
