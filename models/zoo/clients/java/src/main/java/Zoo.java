import com.google.gson.Gson;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;

/** Makes the requests of a plan with one of Java's HTTP libraries: Zoo LIBRARY PLAN. */
public class Zoo {
    static class Step {
        String url, method, body;
        String[][] header;
        double wait;
    }

    interface Asker {
        void ask(Step s) throws Exception;
    }

    public static void main(String[] args) throws Exception {
        Step[] plan = new Gson().fromJson(Files.readString(Path.of(args[1])), Step[].class);
        Asker asker = asker(args[0]);
        for (Step s : plan) {
            if (s.header == null) {
                s.header = new String[0][];
            }
            Thread.sleep((long) (1000 * s.wait));
            try {
                asker.ask(s);
            } catch (Exception e) {
                System.out.println(s.url + " " + e);
            }
        }
        System.exit(0);
    }

    /** What the library sets itself and refuses to be told. */
    static final Set<String> OWN = Set.of("host", "connection", "content-length");

    static Asker asker(String library) throws Exception {
        switch (library) {
            case "java-httpclient":
                return httpClient(java.net.http.HttpClient.Version.HTTP_2);
            case "java-httpclient-http1":
                return httpClient(java.net.http.HttpClient.Version.HTTP_1_1);
            case "java-urlconnection":
                return Zoo::urlConnection;
            case "okhttp":
                return okhttp();
            case "apache-httpclient5":
                return apache5();
            case "apache-httpclient4":
                return apache4();
            case "jsoup":
                return Zoo::jsoup;
            default:
                return htmlunit();
        }
    }

    static Asker httpClient(java.net.http.HttpClient.Version version) {
        var client = java.net.http.HttpClient.newBuilder().version(version).connectTimeout(Duration.ofSeconds(15)).build();
        return s -> {
            var body = s.body == null ? java.net.http.HttpRequest.BodyPublishers.noBody() : java.net.http.HttpRequest.BodyPublishers.ofString(s.body);
            var b = java.net.http.HttpRequest.newBuilder(URI.create(s.url)).timeout(Duration.ofSeconds(15)).method(s.method, body);
            for (String[] f : s.header) {
                if (!OWN.contains(f[0].toLowerCase(Locale.ROOT))) {
                    b.header(f[0], f[1]);
                }
            }
            client.send(b.build(), java.net.http.HttpResponse.BodyHandlers.ofByteArray());
        };
    }

    static void urlConnection(Step s) throws Exception {
        var c = (HttpURLConnection) new URL(s.url).openConnection();
        c.setRequestMethod(s.method);
        c.setReadTimeout(15000);
        for (String[] f : s.header) {
            c.setRequestProperty(f[0], f[1]);
        }
        if (s.body != null) {
            c.setDoOutput(true);
            c.getOutputStream().write(s.body.getBytes());
        }
        try (InputStream in = c.getResponseCode() < 400 ? c.getInputStream() : c.getErrorStream()) {
            if (in != null) {
                in.readAllBytes();
            }
        }
    }

    static Asker okhttp() {
        var client = new okhttp3.OkHttpClient();
        return s -> {
            var b = new okhttp3.Request.Builder().url(s.url).method(s.method, s.body == null ? null : okhttp3.RequestBody.create(s.body, null));
            for (String[] f : s.header) {
                b.header(f[0], f[1]);
            }
            try (var r = client.newCall(b.build()).execute()) {
                r.body().bytes();
            }
        };
    }

    static Asker apache5() {
        var client = org.apache.hc.client5.http.impl.classic.HttpClients.createSystem();
        return s -> {
            var b = org.apache.hc.core5.http.io.support.ClassicRequestBuilder.create(s.method).setUri(s.url);
            for (String[] f : s.header) {
                b.setHeader(f[0], f[1]);
            }
            if (s.body != null) {
                b.setEntity(s.body);
            }
            client.execute(b.build(), r -> {
                org.apache.hc.core5.http.io.entity.EntityUtils.consume(r.getEntity());
                return null;
            });
        };
    }

    static Asker apache4() {
        var client = org.apache.http.impl.client.HttpClients.createSystem();
        return s -> {
            var b = org.apache.http.client.methods.RequestBuilder.create(s.method).setUri(s.url);
            for (String[] f : s.header) {
                b.setHeader(f[0], f[1]);
            }
            if (s.body != null) {
                b.setEntity(new org.apache.http.entity.StringEntity(s.body));
            }
            try (var r = client.execute(b.build())) {
                org.apache.http.util.EntityUtils.consume(r.getEntity());
            }
        };
    }

    static void jsoup(Step s) throws Exception {
        var c = org.jsoup.Jsoup.connect(s.url).method(org.jsoup.Connection.Method.valueOf(s.method)).ignoreContentType(true).ignoreHttpErrors(true).timeout(15000);
        for (String[] f : s.header) {
            c.header(f[0], f[1]);
        }
        if (s.body != null) {
            c.requestBody(s.body);
        }
        c.execute();
    }

    static Asker htmlunit() {
        var client = new org.htmlunit.WebClient(org.htmlunit.BrowserVersion.CHROME);
        client.getOptions().setThrowExceptionOnScriptError(false);
        client.getOptions().setThrowExceptionOnFailingStatusCode(false);
        return s -> {
            for (String[] f : s.header) {
                client.addRequestHeader(f[0], f[1]);
            }
            var r = new org.htmlunit.WebRequest(new URL(s.url), org.htmlunit.HttpMethod.valueOf(s.method));
            if (s.body != null) {
                r.setRequestBody(s.body);
            }
            client.getPage(r);
            client.waitForBackgroundJavaScript(300);
        };
    }
}
