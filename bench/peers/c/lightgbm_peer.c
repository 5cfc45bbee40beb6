/* LightGBM through the C interface's fast path for single rows. Arguments: lib_lightgbm.so, model, rows, number of features. */
#include "driver.h"

static int (*predict)(void *fast, const void *row, int64_t *length, double *out);
static void *fast;

static double score(const float *row) {
    int64_t length;
    double out;
    if (predict(fast, row, &length, &out) != 0) exit(1);
    return out;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    void *lib = library(argv[1]), *booster;
    int (*load)(const char *, int *, void **) = symbol(lib, "LGBM_BoosterCreateFromModelfile");
    int (*init)(void *, int, int, int, int, int32_t, const char *, void **) = symbol(lib, "LGBM_BoosterPredictForMatSingleRowFastInit");
    predict = symbol(lib, "LGBM_BoosterPredictForMatSingleRowFast");
    enum { RAW_SCORE = 1, FLOAT32 = 0 };
    int iterations;
    long rows, features = atol(argv[4]);
    if (load(argv[2], &iterations, &booster) != 0 ||
        init(booster, RAW_SCORE, 0, -1, FLOAT32, features, "num_threads=1 verbosity=-1", &fast) != 0) {
        fprintf(stderr, "%s cannot be loaded\n", argv[2]);
        return 1;
    }
    float *data = read_rows(argv[3], features, &rows);
    serve(score, data, rows, features);
    return 0;
}
