/* XGBoost through the C interface's prediction in place. Arguments: libxgboost.so, model, rows, number of features. */
#include "driver.h"

static int (*predict)(void *booster, const char *values, const char *config, void *meta, const uint64_t **shape, uint64_t *dimensions,
                      const float **out);
static void *booster;
static int (*set)(void *booster, const char *name, const char *value);
static long features;

/* Predicts rows; the outputs are the library's until the next call. */
static const float *outputs(const float *data, long rows) {
    char values[160];
    const uint64_t *shape;
    uint64_t dimensions;
    const float *out;
    snprintf(values, sizeof values, "{\"data\":[%llu,true],\"shape\":[%ld,%ld],\"typestr\":\"<f4\",\"version\":3}",
             (unsigned long long)(uintptr_t)data, rows, features);
    if (predict(booster, values,
                "{\"type\":1,\"iteration_begin\":0,\"iteration_end\":0,\"missing\":NaN,\"strict_shape\":false,\"cache_id\":0}", NULL, &shape,
                &dimensions, &out) != 0)
        exit(1);
    return out;
}

/* Single rows take one thread, a batch as many as are asked for. */
static void use(int threads) {
    static int used;
    char number[16];
    if (threads == used) return;
    snprintf(number, sizeof number, "%d", threads);
    if (set(booster, "nthread", number) != 0) exit(1);
    used = threads;
}

static double score(const float *row) {
    use(1);
    return outputs(row, 1)[0];
}

static double batch(const float *data, long rows, int threads) {
    use(threads);
    const float *out = outputs(data, rows);
    double sum = 0;
    for (long i = 0; i < rows; i++) sum += out[i];
    return sum;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    void *lib = library(argv[1]);
    int (*create)(void *const *, uint64_t, void **) = symbol(lib, "XGBoosterCreate");
    int (*load)(void *, const char *) = symbol(lib, "XGBoosterLoadModel");
    set = symbol(lib, "XGBoosterSetParam");
    predict = symbol(lib, "XGBoosterPredictFromDense");
    if (create(NULL, 0, &booster) != 0 || load(booster, argv[2]) != 0) {
        fprintf(stderr, "%s cannot be loaded\n", argv[2]);
        return 1;
    }
    long rows;
    features = atol(argv[4]);
    float *data = read_rows(argv[3], features, &rows);
    serve(score, batch, data, rows, features);
    return 0;
}
