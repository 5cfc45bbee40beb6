/* XGBoost through the C interface's prediction in place. Arguments: libxgboost.so, model, rows, number of features. */
#include "driver.h"

static int (*predict)(void *booster, const char *values, const char *config, void *meta, const uint64_t **shape, uint64_t *dimensions,
                      const float **out);
static void *booster;
static long features;

static double score(const float *row) {
    char values[160];
    const uint64_t *shape;
    uint64_t dimensions;
    const float *out;
    snprintf(values, sizeof values, "{\"data\":[%llu,true],\"shape\":[1,%ld],\"typestr\":\"<f4\",\"version\":3}",
             (unsigned long long)(uintptr_t)row, features);
    if (predict(booster, values,
                "{\"type\":1,\"iteration_begin\":0,\"iteration_end\":0,\"missing\":NaN,\"strict_shape\":false,\"cache_id\":0}", NULL, &shape,
                &dimensions, &out) != 0)
        exit(1);
    return out[0];
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    void *lib = library(argv[1]);
    int (*create)(void *const *, uint64_t, void **) = symbol(lib, "XGBoosterCreate");
    int (*load)(void *, const char *) = symbol(lib, "XGBoosterLoadModel");
    int (*set)(void *, const char *, const char *) = symbol(lib, "XGBoosterSetParam");
    predict = symbol(lib, "XGBoosterPredictFromDense");
    if (create(NULL, 0, &booster) != 0 || load(booster, argv[2]) != 0 || set(booster, "nthread", "1") != 0) {
        fprintf(stderr, "%s cannot be loaded\n", argv[2]);
        return 1;
    }
    long rows;
    features = atol(argv[4]);
    float *data = read_rows(argv[3], features, &rows);
    serve(score, data, rows, features);
    return 0;
}
