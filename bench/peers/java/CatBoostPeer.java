import ai.catboost.CatBoostModel;
import ai.catboost.CatBoostPredictions;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * CatBoost's own evaluator, the C++ library, called through its package for single rows on the JVM: the wheel on PyPI does not export the C interface.
 * Arguments: model, rows, number of numeric features, file of categories or "-". "score N" and "batch N 1" are answered with the mean time of a row of at
 * least N, one by one or all rows in one call, which includes the call from Java to C++; and with the sum of the raw outputs of one pass over the rows. The
 * package has no setting for threads: a batch is scored by one.
 */
final class CatBoostPeer {
    private final CatBoostModel model;
    private final float[][] rows;
    private final String[][] categories;
    private final CatBoostPredictions out;
    private final CatBoostPredictions all;

    private CatBoostPeer(String[] args) throws Exception {
        model = CatBoostModel.loadModel(args[0]);
        out = new CatBoostPredictions(1, model.getPredictionDimension());
        int features = Integer.parseInt(args[2]);
        ByteBuffer data = ByteBuffer.wrap(Files.readAllBytes(Path.of(args[1]))).order(ByteOrder.LITTLE_ENDIAN);
        rows = new float[data.remaining() / 4 / features][features];
        for (float[] row : rows) {
            for (int i = 0; i < features; i++) {
                row[i] = data.getFloat();
            }
        }
        all = new CatBoostPredictions(rows.length, model.getPredictionDimension());
        categories = new String[rows.length][];
        if (!args[3].equals("-")) {
            List<String> lines = Files.readAllLines(Path.of(args[3]));
            for (int i = 0; i < rows.length; i++) {
                categories[i] = lines.get(i).split("\t");
            }
        }
    }

    private double score(int i) throws Exception {
        model.predict(rows[i], categories[i], out);
        return out.get(0, 0);
    }

    /** Adds up the raw outputs of all rows. */
    private double pass(boolean batch) throws Exception {
        double sum = 0;
        if (batch) {
            model.predict(rows, categories[0] == null ? null : categories, all);
        }
        for (int i = 0; i < rows.length; i++) {
            sum += batch ? all.get(i, 0) : score(i);
        }
        return sum;
    }

    private String answer(String line) throws Exception {
        String[] words = line.split(" ");
        boolean batch = line.matches("batch \\d+ 1");
        if (!batch && !line.matches("score \\d+")) {
            return "{\"error\":\"unknown request\"}";
        }
        int passes = (Integer.parseInt(words[1]) + rows.length - 1) / rows.length;
        double sum = pass(batch);
        double rest = 0;
        long start = System.nanoTime();
        for (int i = 0; i < passes; i++) {
            rest += pass(batch);
        }
        long took = System.nanoTime() - start;
        long n = (long) passes * rows.length;
        if (Double.isNaN(rest)) {
            return "{\"error\":\"an output is no number\"}";
        }
        return "[{\"metric\":\"time\",\"unit\":\"ns/op\",\"value\":" + (double) took / n + ",\"n\":" + n + "},"
            + "{\"metric\":\"sum of raw outputs\",\"unit\":\"\",\"value\":" + sum + ",\"n\":" + rows.length + "}]";
    }

    public static void main(String[] args) throws Exception {
        CatBoostPeer peer = new CatBoostPeer(args);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            System.out.println(peer.answer(line));
        }
    }
}
