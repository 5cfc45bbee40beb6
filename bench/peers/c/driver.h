/* What the C drivers of tree libraries have in common. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void *symbol(void *library, const char *name) {
    void *s = dlsym(library, name);
    if (s == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return s;
}

static void *library(const char *path) {
    void *l = dlopen(path, RTLD_NOW);
    if (l == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return l;
}

/* Rows of float32 as the training script has written them. */
static float *read_rows(const char *path, long features, long *rows) {
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    long size = ftell(f);
    rewind(f);
    float *data = malloc(size);
    if (data == NULL || fread(data, 1, size, f) != (size_t)size || size == 0) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    fclose(f);
    *rows = size / (long)sizeof(float) / features;
    return data;
}

/* Adds up the raw outputs of all rows, scored one by one, or in one call by a number of threads. */
typedef double one_row(const float *row);
typedef double all_rows(const float *data, long rows, int threads);

static double pass(one_row *score, all_rows *batch, const float *data, long rows, long features, int threads) {
    if (threads > 0) return batch(data, rows, threads);
    double sum = 0;
    for (long i = 0; i < rows; i++) sum += score(data + i * features);
    return sum;
}

/* Answers "score N" and "batch N THREADS" with the mean time of a row, of at least N, and the sum of the raw outputs of one pass over the rows. */
static void serve(one_row *score, all_rows *batch, const float *data, long rows, long features) {
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        long n;
        int threads = 0;
        if ((sscanf(line, "score %ld", &n) != 1 && sscanf(line, "batch %ld %d", &n, &threads) != 2) || n < rows) {
            printf("{\"error\":\"unknown request\"}\n");
            fflush(stdout);
            continue;
        }
        long passes = (n + rows - 1) / rows;
        double sum = pass(score, batch, data, rows, features, threads), rest = 0;
        int64_t start = now();
        for (long i = 0; i < passes; i++) rest += pass(score, batch, data, rows, features, threads);
        int64_t took = now() - start;
        if (rest != rest) exit(1);
        n = passes * rows;
        printf("[{\"metric\":\"time\",\"unit\":\"ns/op\",\"value\":%.2f,\"n\":%ld},{\"metric\":\"sum of raw outputs\",\"unit\":\"\",\"value\":%.17g,\"n\":%ld}]\n",
               (double)took / n, n, sum, rows);
        fflush(stdout);
    }
}
