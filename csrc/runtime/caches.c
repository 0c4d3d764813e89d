/* Sizes of the caches, as the system tells them. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime.h"

/* how many processors a list like 0-3,8 names */
static int64_t count_of(const char *list) {
    int64_t count = 0;
    while (*list >= '0' && *list <= '9') {
        char *end;
        const long first = strtol(list, &end, 10);
        const long last = *end == '-' ? strtol(end + 1, &end, 10) : first;
        count += last - first + 1;
        list = *end == ',' ? end + 1 : end;
    }
    return count;
}

static int read_file(int index, const char *name, char *text, int size) {
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    const int read = fgets(text, size, file) != NULL;
    fclose(file);
    return read;
}

/* of the first processor; shared: how many have a part in it */
static int64_t of_system(int level, int64_t *shared) {
    char text[256];
    for (int i = 0; i < 16 && read_file(i, "level", text, sizeof text); i++) {
        if (atoi(text) != level || !read_file(i, "type", text, sizeof text) || text[0] == 'I') continue;
        if (!read_file(i, "size", text, sizeof text)) continue;
        char *unit;
        int64_t size = strtol(text, &unit, 10);
        size <<= *unit == 'K' ? 10 : *unit == 'M' ? 20 : *unit == 'G' ? 30 : 0;
        *shared = read_file(i, "shared_cpu_list", text, sizeof text) ? count_of(text) : 1;
        return size;
    }
    return 0;
}

static int64_t of_library(int level) {
#ifdef _SC_LEVEL1_DCACHE_SIZE
    const int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
    return fk_max(0, sysconf(names[level - 1]));
#else
    (void)level;
    return 0;
#endif
}

int64_t fk_cache_bytes(int level) {
    int64_t sharing = 1, threads = 1, size;
    if (level < 1 || level > 3) return 0;
    size = of_system(level, &sharing);
    if (size <= 0) return of_library(level);
    if (level == 2 && of_system(1, &threads) > 0) size /= fk_max(1, sharing / fk_max(1, threads));
    return size;
}
