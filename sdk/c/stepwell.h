// What a tool in C can ask and say: wit/tool.wit in C's words.
//
// The structures are those of the canonical ABI, so an answer is used as the host wrote it. Memory is
// never given back: a call starts fresh, and its memory goes with it. Every question is recorded with
// its answer, and together they are what a kept output is valid for.

#ifndef STEPWELL_H
#define STEPWELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    char *bytes;
    size_t length;
} sw_text;

typedef struct {
    sw_text *items;
    size_t count;
} sw_texts;

typedef enum { SW_HEAD, SW_BASE } sw_tree;
typedef enum { SW_DEBUG, SW_INFO, SW_WARNING } sw_level;
enum { SW_FILE, SW_DIRECTORY, SW_SYMLINK };
enum {
    SW_NOT_FOUND,
    SW_NOT_A_FILE,
    SW_NOT_A_DIRECTORY,
    SW_INVALID_PATH,
    SW_OUTSIDE,
    SW_NOT_GRANTED,
    SW_TOO_LARGE,
    SW_NO_SUCH_TREE,
    SW_INVALID_PATTERN,
    SW_UNREADABLE,
};

// Why a question got no answer.
typedef struct {
    uint8_t reason;
    union {
        sw_text text;
        uint64_t size;
    };
} sw_error;

typedef struct {
    uint8_t kind;
    uint64_t size;
    bool executable;
} sw_metadata;

typedef struct {
    bool is_there;
    uint8_t kind;
} sw_maybe_kind;

typedef struct {
    bool is_set;
    sw_text value;
} sw_maybe_text;

typedef struct {
    sw_text name;
    uint8_t kind;
} sw_entry;

typedef struct {
    sw_entry *items;
    size_t count;
} sw_entries;

typedef struct {
    sw_texts paths;
    bool truncated;
} sw_found;

typedef struct {
    sw_text path;
    uint32_t line;
    sw_text text;
    sw_texts before, after;
} sw_line;

typedef struct {
    struct {
        sw_line *items;
        size_t count;
    } lines;
    bool truncated;
} sw_matches;

// `result<T, read-error>`
#define SW_ANSWER(T)                                                                               \
    struct {                                                                                       \
        uint8_t is_error;                                                                          \
        union {                                                                                    \
            T ok;                                                                                  \
            sw_error error;                                                                        \
        };                                                                                         \
    }

typedef SW_ANSWER(sw_text) sw_text_answer;
typedef SW_ANSWER(sw_metadata) sw_metadata_answer;
typedef SW_ANSWER(sw_maybe_kind) sw_kind_answer;
typedef SW_ANSWER(uint64_t) sw_size_answer;
typedef SW_ANSWER(bool) sw_flag_answer;
typedef SW_ANSWER(sw_entries) sw_entries_answer;
typedef SW_ANSWER(sw_found) sw_found_answer;
typedef SW_ANSWER(sw_matches) sw_matches_answer;
typedef SW_ANSWER(sw_maybe_text) sw_variable_answer;

#define SW_FROM(interface, name)                                                                   \
    __attribute__((import_module("stepwell:tool/" interface "@0.1.0"), import_name(name)))

SW_FROM("repository", "read") void sw_read(sw_tree, const char *path, size_t, sw_text_answer *);
SW_FROM("repository", "read-range")
void sw_read_range(sw_tree, const char *path, size_t, uint64_t offset, uint32_t most,
                   sw_text_answer *);
SW_FROM("repository", "stat") void sw_stat(sw_tree, const char *path, size_t, sw_metadata_answer *);
SW_FROM("repository", "kind-of") void sw_kind_of(sw_tree, const char *path, size_t, sw_kind_answer *);
SW_FROM("repository", "size-of") void sw_size_of(sw_tree, const char *path, size_t, sw_size_answer *);
SW_FROM("repository", "is-executable")
void sw_is_executable(sw_tree, const char *path, size_t, sw_flag_answer *);
SW_FROM("repository", "list-directory")
void sw_list_directory(sw_tree, const char *path, size_t, sw_entries_answer *);
SW_FROM("repository", "glob")
void sw_glob(sw_tree, const sw_text *patterns, size_t, bool include_ignored, uint32_t max_paths,
             sw_found_answer *);
SW_FROM("repository", "search")
void sw_search(sw_tree, const char *pattern, size_t, bool literal, bool ignore_case,
               const sw_text *globs, size_t, uint32_t context_lines, uint32_t max_matches,
               sw_matches_answer *);
SW_FROM("environment", "get") void sw_variable(const char *name, size_t, sw_variable_answer *);
SW_FROM("log", "write") void sw_log(sw_level, const char *line, size_t);

// What a call runs: `input` is a JSON object that fits the tool's schema. Answer with a JSON text, or
// set `refused` and answer with what would work.
sw_text sw_call(sw_text input, bool *refused);

// Text, put together as `printf` does.
sw_text sw_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Why there is no answer about `about`, in words for the model.
sw_text sw_refusal(sw_tree tree, sw_text about, sw_error error);

// The text that a JSON object has under a name; `is_set` is false where it has none.
sw_maybe_text sw_json_text(sw_text object, const char *name);

// A text as JSON has it, with its quotes.
sw_text sw_json_quoted(sw_text text);

#ifdef __cplusplus
}
#endif

#endif
