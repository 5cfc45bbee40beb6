/* LightGBM through the C interface: its fast path for single rows, and its prediction for a matrix. Arguments: lib_lightgbm.so, model, rows, number of features. */
#include "driver.h"

static int (*predict)(void *fast, const void *row, int64_t *length, double *out);
static int (*predict_all)(void *booster, const void *data, int type, int32_t rows, int32_t columns, int row_major, int kind, int start, int iterations,
                          const char *parameters, int64_t *length, double *out);
static void *fast, *booster;
static long features;
enum { RAW_SCORE = 1, FLOAT32 = 0 };

static double score(const float *row) {
    int64_t length;
    double out;
    if (predict(fast, row, &length, &out) != 0) exit(1);
    return out;
}

static double batch(const float *data, long rows, int threads) {
    static double *out;
    static long room;
    if (room < rows) {
        room = rows;
        out = realloc(out, room * sizeof *out);
        if (out == NULL) exit(1);
    }
    char parameters[64];
    int64_t length;
    double sum = 0;
    snprintf(parameters, sizeof parameters, "num_threads=%d verbosity=-1", threads);
    if (predict_all(booster, data, FLOAT32, rows, features, 1, RAW_SCORE, 0, -1, parameters, &length, out) != 0 || length != rows) exit(1);
    for (long i = 0; i < rows; i++) sum += out[i];
    return sum;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    void *lib = library(argv[1]);
    int (*load)(const char *, int *, void **) = symbol(lib, "LGBM_BoosterCreateFromModelfile");
    int (*init)(void *, int, int, int, int, int32_t, const char *, void **) = symbol(lib, "LGBM_BoosterPredictForMatSingleRowFastInit");
    predict = symbol(lib, "LGBM_BoosterPredictForMatSingleRowFast");
    predict_all = symbol(lib, "LGBM_BoosterPredictForMat");
    int iterations;
    long rows;
    features = atol(argv[4]);
    if (load(argv[2], &iterations, &booster) != 0 ||
        init(booster, RAW_SCORE, 0, -1, FLOAT32, features, "num_threads=1 verbosity=-1", &fast) != 0) {
        fprintf(stderr, "%s cannot be loaded\n", argv[2]);
        return 1;
    }
    float *data = read_rows(argv[3], features, &rows);
    serve(score, batch, data, rows, features);
    return 0;
}
