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
 * Arguments: model, rows, number of numeric features, file of categories or "-". "score N" is answered with the mean time of N single rows, which
 * includes the call from Java to C++, and with the sum of the raw outputs of one pass over the rows.
 */
final class CatBoostPeer {
    private final CatBoostModel model;
    private final float[][] rows;
    private final String[][] categories;
    private final CatBoostPredictions out;

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

    private String answer(String line) throws Exception {
        String[] words = line.split(" ");
        if (words.length != 2 || !words[0].equals("score")) {
            return "{\"error\":\"unknown request\"}";
        }
        int n = Integer.parseInt(words[1]);
        double sum = 0;
        for (int i = 0; i < rows.length; i++) {
            sum += score(i);
        }
        double rest = 0;
        long start = System.nanoTime();
        for (int i = 0; i < n; i++) {
            rest += score(i % rows.length);
        }
        long took = System.nanoTime() - start;
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
