// Looks at everything that C and its library give a program, and tells it as one JSON object.
//
// The two ends of the contract are spelled out in contract.h, so that no generator has to be built.

#include "contract.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static char answer[64 * 1024];
static size_t used;

__attribute__((format(printf, 1, 2))) static void put(const char *format, ...) {
    va_list list;
    va_start(list, format);
    int wrote = vsnprintf(answer + used, sizeof answer - used, format, list);
    va_end(list);
    if (wrote < 0 || (size_t)wrote >= sizeof answer - used) abort();
    used += (size_t)wrote;
}

static void put_text(const char *text, size_t length) {
    put("\"");
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
            put("\\u%04x", c);
        } else {
            put("%c", c);
        }
    }
    put("\"");
}

static void put_string(const char *text) { put_text(text, strlen(text)); }

static void put_error(void) { put_string(strerror(errno)); }

static void clock_twice(const char *name, clockid_t clock) {
    put(",\"%s\":[", name);
    for (int i = 0; i < 2; i++) {
        struct timespec now = {0};
        int failed = clock_gettime(clock, &now);
        if (i == 1) put(",");
        if (failed) {
            put_error();
        } else {
            put("\"%lld.%09ld\"", (long long)now.tv_sec, now.tv_nsec);
        }
    }
    put("]");
}

static void times(void) {
    clock_twice("wall", CLOCK_REALTIME);
    clock_twice("monotonic", CLOCK_MONOTONIC);
    time_t now = time(NULL);
    struct tm *local = localtime(&now);
    char shown[64] = "";
    if (local) strftime(shown, sizeof shown, "%Y-%m-%d %H:%M:%S %Z", local);
    put(",\"local_time\":");
    put_string(shown);
    struct timespec slept = {.tv_sec = 0, .tv_nsec = 1000000};
    put(",\"sleep\":%d", nanosleep(&slept, NULL));
    clock_twice("wall_after_sleep", CLOCK_REALTIME);
}

static void randomness(void) {
    unsigned char bytes[16] = {0};
    put(",\"random\":{\"getentropy\":");
    if (getentropy(bytes, sizeof bytes)) {
        put_error();
    } else {
        put("\"");
        for (size_t i = 0; i < sizeof bytes; i++) put("%02x", bytes[i]);
        put("\"");
    }
    put(",\"rand\":%d,\"random\":%ld,\"drand48\":%.17g}", rand(), random(), drand48());
}

static void surroundings(void) {
    put(",\"environment\":[");
    for (char **variable = environ; variable && *variable; variable++) {
        if (variable != environ) put(",");
        put_string(*variable);
    }
    const char *home = getenv("HOME");
    put("],\"home\":");
    put_string(home ? home : "(none)");
    char directory[1024] = "";
    put(",\"directory\":");
    if (getcwd(directory, sizeof directory)) {
        put_string(directory);
    } else {
        put_error();
    }
    put(",\"platform\":{\"page\":%ld,\"terminal\":%d,\"pointer\":%zu}", sysconf(_SC_PAGESIZE),
        isatty(1), sizeof(void *));
}

static void addresses(void) {
    int local = 0;
    void *small = malloc(16);
    void *large = malloc(200000);
    put(",\"addresses\":[\"%p\",\"%p\",\"%p\",\"%p\"]", (void *)&local, small, large,
        (void *)answer);
    free(small);
    free(large);
}

static void list(const char *path) {
    DIR *directory = opendir(path);
    if (!directory) {
        put_error();
        return;
    }
    put("[");
    int first = 1;
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        if (!first) put(",");
        first = 0;
        put("[");
        put_string(entry->d_name);
        put(",%llu,%d]", (unsigned long long)entry->d_ino, entry->d_type);
    }
    put("]");
    closedir(directory);
}

static void look(const char *path) {
    struct stat facts;
    if (stat(path, &facts)) {
        put_error();
        return;
    }
    put("{\"device\":%llu,\"inode\":%llu,\"links\":%llu,\"mode\":%u,\"size\":%lld",
        (unsigned long long)facts.st_dev, (unsigned long long)facts.st_ino,
        (unsigned long long)facts.st_nlink, facts.st_mode, (long long)facts.st_size);
    put(",\"owner\":[%u,%u],\"accessed\":\"%lld.%09ld\"", facts.st_uid, facts.st_gid,
        (long long)facts.st_atim.tv_sec, facts.st_atim.tv_nsec);
    put(",\"modified\":\"%lld.%09ld\",\"changed\":\"%lld.%09ld\"}",
        (long long)facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, (long long)facts.st_ctim.tv_sec,
        facts.st_ctim.tv_nsec);
}

static void read_back(const char *path) {
    char text[256];
    FILE *file = fopen(path, "r");
    if (!file) {
        put_error();
        return;
    }
    size_t length = fread(text, 1, sizeof text, file);
    put_text(text, length);
    fclose(file);
}

static void files(void) {
    put(",\"root\":");
    list("/");
    put(",\"stat\":");
    look("/seen.txt");
    put(",\"file\":");
    read_back("/seen.txt");
    char text[256];
    long length = ask_read("seen.txt", text, sizeof text);
    put(",\"repository\":");
    if (length < 0) {
        put("\"refused with %ld\"", -length);
    } else {
        put_text(text, (size_t)length);
    }
}

static void scratch(void) {
    put(",\"scratch\":{\"written\":");
    FILE *file = fopen("/tmp/note", "w");
    if (!file) {
        put_error();
    } else {
        put("%d", fprintf(file, "kept for one call") > 0);
        fclose(file);
    }
    put(",\"back\":");
    read_back("/tmp/note");
    put(",\"stat\":");
    look("/tmp/note");
    put(",\"entries\":");
    list("/tmp");
    int unnamed = open("/seen.txt", O_WRONLY);
    put(",\"repository_for_writing\":");
    if (unnamed < 0) {
        put_error();
    } else {
        put("\"opened\"");
        close(unnamed);
    }
    put("}");
}

const char *observe(size_t *length) {
    used = 0;
    put("{\"language\":\"c\"");
    times();
    randomness();
    surroundings();
    addresses();
    files();
    scratch();
    put("}");
    fprintf(stderr, "looked at %zu bytes of what there is\n", used);
    *length = used;
    return answer;
}
