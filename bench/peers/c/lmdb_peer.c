/* LMDB, read in process: five rows of 32 floats within one read transaction. Started with a folder and the number of keys of each
 * dimension; requests: "fill" makes the database, "fetch N INTERVAL_NS" fetches N times and gives percentiles: with an interval of 0 back to back,
 * each measured from the end of the one before; else it sleeps before each, and measures from the awakening. */
#define _GNU_SOURCE
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { DIMENSIONS = 5, COLUMNS = 32 };

static MDB_env *env;
static MDB_dbi dbi;
static MDB_txn *reader;
static uint64_t keys;

static void check(int rc, const char *what) {
    if (rc != 0) {
        fprintf(stderr, "%s: %s\n", what, mdb_strerror(rc));
        exit(1);
    }
}

static uint64_t mix(uint64_t z) {
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t key_of(uint64_t dimension, uint64_t i) { return mix(dimension << 40 | i) | 1; }
static float value_of(uint64_t key, int column) { return (float)(key >> 40) + (float)column; }

static int by_key(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Rows go in in the order of the keys, which is how one loads a B+ tree. */
static void fill(const char *dir) {
    uint64_t n = keys * DIMENSIONS, *all = malloc(n * sizeof *all);
    if (all == NULL) exit(1);
    for (uint64_t i = 0; i < n; i++) all[i] = key_of(i / keys, i % keys);
    qsort(all, n, sizeof *all, by_key);
    mkdir(dir, 0700);
    check(mdb_env_create(&env), "create");
    check(mdb_env_set_mapsize(env, n * 256 + (64u << 20)), "map size");
    check(mdb_env_open(env, dir, MDB_NOSYNC | MDB_NOLOCK | MDB_WRITEMAP, 0600), "open");
    MDB_txn *txn;
    check(mdb_txn_begin(env, NULL, 0, &txn), "begin");
    check(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi), "database");
    for (uint64_t i = 0; i < n; i++) {
        float row[COLUMNS];
        for (int c = 0; c < COLUMNS; c++) row[c] = value_of(all[i], c);
        MDB_val key = {sizeof all[i], &all[i]}, value = {sizeof row, row};
        check(mdb_put(txn, dbi, &key, &value, MDB_APPEND), "put");
    }
    check(mdb_txn_commit(txn), "commit");
    free(all);
    check(mdb_txn_begin(env, NULL, MDB_RDONLY, &reader), "read");
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fetch_one(const uint64_t *request, float *dst) {
    mdb_txn_reset(reader);
    check(mdb_txn_renew(reader), "renew");
    for (uint64_t d = 0; d < DIMENSIONS; d++) {
        uint64_t k = request[d];
        MDB_val key = {sizeof k, &k}, value;
        check(mdb_get(reader, dbi, &key, &value), "get");
        memcpy(dst + d * COLUMNS, value.mv_data, COLUMNS * sizeof *dst);
        if (dst[d * COLUMNS + COLUMNS - 1] != value_of(k, COLUMNS - 1)) exit(1);
    }
}

static int by_time(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void fetch(long n, int64_t interval) {
    static uint64_t seed;
    float dst[DIMENSIONS * COLUMNS];
    int64_t *took = malloc(n * sizeof *took);
    uint64_t *requests = malloc(n * DIMENSIONS * sizeof *requests); /* drawn beforehand, as the others' */
    if (took == NULL || requests == NULL) exit(1);
    for (long i = 0; i < n; i++, seed++)
        for (uint64_t d = 0; d < DIMENSIONS; d++)
            requests[i * DIMENSIONS + d] = key_of(d, mix(seed * DIMENSIONS + d) % keys);
    int64_t last = now();
    for (long i = 0; i < n; i++) {
        if (interval > 0) {
            nanosleep(&(struct timespec){.tv_nsec = interval}, NULL);
            last = now();
        }
        fetch_one(requests + i * DIMENSIONS, dst);
        int64_t end = now();
        took[i] = end - last;
        last = end;
    }
    qsort(took, n, sizeof *took, by_time);
    printf("[");
    const struct { const char *name; double q; } points[] = {{"p50", .5}, {"p99", .99}, {"p99.9", .999}};
    for (int i = 0; i < 3; i++)
        printf("%s{\"metric\":\"%s\",\"unit\":\"ns\",\"value\":%lld,\"n\":%ld}", i ? "," : "", points[i].name,
               (long long)took[(long)(points[i].q * (n - 1))], n);
    printf("]\n");
    free(requests);
    free(took);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: lmdb_peer FOLDER KEYS\n");
        return 2;
    }
    keys = strtoull(argv[2], NULL, 10);
    char line[128];
    while (fgets(line, sizeof line, stdin) != NULL) {
        long n;
        long long interval;
        if (strcmp(line, "fill\n") == 0) {
            int64_t start = now();
            fill(argv[1]);
            printf("[{\"metric\":\"fill\",\"unit\":\"ns\",\"value\":%lld,\"n\":1}]\n", (long long)(now() - start));
        } else if (sscanf(line, "fetch %ld %lld", &n, &interval) == 2 && n > 0) {
            fetch(n, interval);
        } else {
            printf("{\"error\":\"unknown request\"}\n");
        }
        fflush(stdout);
    }
    return 0;
}
