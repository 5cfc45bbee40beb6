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

/* Answers "score N" with the mean time of N single rows and the sum of the raw outputs of the first pass over the rows. */
static void serve(double (*score)(const float *), const float *data, long rows, long features) {
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        long n;
        if (sscanf(line, "score %ld", &n) != 1 || n < rows) {
            printf("{\"error\":\"unknown request\"}\n");
            fflush(stdout);
            continue;
        }
        double sum = 0, rest = 0;
        for (long i = 0; i < rows; i++) sum += score(data + i * features);
        int64_t start = now();
        for (long i = 0; i < n; i++) rest += score(data + i % rows * features);
        int64_t took = now() - start;
        if (rest != rest) exit(1);
        printf("[{\"metric\":\"time\",\"unit\":\"ns/op\",\"value\":%.2f,\"n\":%ld},{\"metric\":\"sum of raw outputs\",\"unit\":\"\",\"value\":%.17g,\"n\":%ld}]\n",
               (double)took / n, n, sum, rows);
        fflush(stdout);
    }
}
